"""What `make test-deploy` and `make release` need and `make test` does not: Helm, and Python packages of their own.

Both come into .cache/tools once. Helm is built by Go from the module of its name, which takes a core three minutes; a
Helm on the PATH is used as it is. The packages are in an environment of their own, from requirements-deploy.lock: the
schemas of Kubernetes' objects, what builds a wheel, what writes an SBOM.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
TOOLS: Final = ROOT / ".cache" / "tools"
LOCK: Final = ROOT / "requirements-deploy.lock"
ENVIRONMENT: Final = TOOLS / "python"
PYTHON: Final = ENVIRONMENT / "bin" / "python"
_STAMP: Final = ENVIRONMENT / "lock.sha256"
_HELM: Final = "helm.sh/helm/v3/cmd/helm@v3.22.0"


def helm() -> str | None:
    """The path of a Helm."""
    return shutil.which("helm") or shutil.which("helm", path=TOOLS)


def build_helm() -> None:
    """Have a Helm.

    Raises:
        SystemExit: there is neither Helm nor Go.
    """
    if helm() is not None:
        return
    go = shutil.which("go")
    if go is None:
        raise SystemExit("test-deploy: needs Helm 3 on the PATH, or Go to build it with")
    print(f"building {_HELM}, once ...", flush=True)
    TOOLS.mkdir(parents=True, exist_ok=True)
    subprocess.run([go, "install", _HELM], env={**os.environ, "GOBIN": str(TOOLS)}, check=True)


def install_packages() -> None:
    """Have the environment that the lock names."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if _STAMP.is_file() and _STAMP.read_text() == wanted and shutil.which(PYTHON) is not None:
        return
    print(f"installing {LOCK.name} ...", flush=True)
    venv.create(ENVIRONMENT, clear=True, with_pip=True)
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([PYTHON, "-m", "pip", "install", *quiet, "--require-hashes", "-r", LOCK], check=True)
    _STAMP.write_text(wanted)


def main() -> None:
    """Bring in what is missing."""
    try:
        build_helm()
        install_packages()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{Path(error.cmd[0]).name} failed (its reason is above)")


if __name__ == "__main__":
    main()
