"""The pages' JavaScript, run in Node where Node is installed, and as the same steps in Python everywhere."""

import hashlib
import hmac
import json
import shutil
import subprocess
from collections.abc import Mapping

from tests.acceptance.seeds.endpoints import Arrived

NODE = shutil.which("node")

_GIVEN = "const given = JSON.parse(require('fs').readFileSync(0)); const rawBody = Buffer.from(given.body, 'hex');"


def hex_of_the_body(secret: str, body: bytes) -> str:
    """What `createHmac('sha256', secret).update(rawBody).digest('hex')` is."""
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def accepts(program: str, request: Arrived, secret: str, *, header: str) -> bool:
    """Whether the page's receiver accepts a request.

    `program` is JavaScript that finds `given.headers`, `given.secret` and `rawBody`, and exits with 1 to reject.
    """
    accepted = hmac.compare_digest(hex_of_the_body(secret, request.body), request.headers[header])
    if NODE is not None:
        given = {"body": request.body.hex(), "headers": dict(request.headers), "secret": secret}
        assert (_run(_GIVEN + program, given) == 0) is accepted
    return accepted


def altered(request: Arrived, *, body: bytes | None = None, **headers: str) -> Arrived:
    """The request as somebody else might have sent it. Header names with underscores for hyphens."""
    changed: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
    return Arrived(
        method=request.method,
        headers={**request.headers, **changed},
        body=request.body if body is None else body,
        at_s=request.at_s,
    )


def _run(program: str, given: object) -> int:
    assert NODE is not None
    ran = subprocess.run([NODE, "-e", program], input=json.dumps(given).encode(), capture_output=True, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    assert ran.stderr == b""
    return ran.returncode
