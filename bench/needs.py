"""What the bench needs beside the test suite's services: nginx as the sink, wrk for the limit.

Installed by the system's package manager where that is allowed; otherwise it is said what is missing.
"""

import os
import shutil
import subprocess

_PACKAGES = {"nginx": "nginx-core", "wrk": "wrk"}
_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def missing() -> list[str]:
    """The programs that are not here."""
    return [program for program in _PACKAGES if shutil.which(program, path=_SBIN) is None]


def install() -> list[str]:
    """Try to install what is missing; returns what still is."""
    lacking = missing()
    manager = shutil.which("apt-get")
    if lacking and manager is not None and os.geteuid() == 0:
        print(f"bench: installing {', '.join(lacking)} by apt-get ...", flush=True)
        subprocess.run([manager, "update", "--quiet=2"], check=False)
        packages = [_PACKAGES[program] for program in lacking]
        subprocess.run([manager, "install", "--yes", "--no-install-recommends", *packages], check=False)
    return missing()
