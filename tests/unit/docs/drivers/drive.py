"""Puts requests to a `verify`: `drive.py FILE [HEADER]`.

Each line of standard input is a secret, headers (`name: value` lines) and a body, in base64, with tabs between; each
line of the answer is verified, refused or unusable, the last for a secret that is none. All drivers do the same. With
HEADER, `verify` gets that header's value.
"""

import runpy
import sys
from base64 import b64decode

example = runpy.run_path(sys.argv[1])
header = sys.argv[2] if len(sys.argv) > 2 else None
for line in sys.stdin:
    secret, lines, body = (b64decode(each) for each in line.rstrip("\n").split("\t"))
    headers = dict(each.split(": ", 1) for each in lines.decode().splitlines())
    try:
        found = example["verify"](secret.decode(), headers.get(header) if header else headers, body)
        verdict = "refused" if found is False else "verified"
    except ValueError:
        verdict = "unusable"
    except Exception as error:
        if type(error).__name__ != "NotVerifiedError":
            raise
        verdict = "refused"
    sys.stdout.write(verdict + "\n")
