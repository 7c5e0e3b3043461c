"""Jars come from Maven once, into `.cache/`; a folder appears under its name only when it is complete."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.server import ServiceError

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "services"
POM = Path(__file__).with_name("pom.xml")
LOGGING = "org.slf4j:slf4j-simple:1.7.36"
REGISTRY = "io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all"


def kafka_jars() -> Path:
    """The folder with Kafka's jars, fetched if need be.

    Raises:
        ServiceError: Maven is missing or failed.
    """
    folder = CACHE / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    with filling(folder) as empty:
        if empty is not None:
            _maven("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={empty}")
    return folder


def registry_jars() -> Path:
    """The folder with the schema registry's application, fetched if need be.

    Raises:
        ServiceError: Maven is missing or failed.
    """
    folder = CACHE / f"registry-{REGISTRY.split(':')[2]}"
    with filling(folder) as empty:
        if empty is not None:
            # `unpack` fetches the one archive; as a dependency it would bring the libraries it already contains.
            _maven("dependency:unpack", f"-Dartifact={REGISTRY}", f"-DoutputDirectory={empty}", f"-Dnotes={empty}")
    return folder


def logging_jar() -> Path:
    """The jar by which a broker writes its log to standard error, fetched if need be; without it a broker has none.

    Raises:
        ServiceError: Maven is missing or failed.
    """
    _, name, version = LOGGING.split(":")
    folder = CACHE / f"{name}-{version}"
    with filling(folder) as empty:
        if empty is not None:
            _maven("dependency:copy", f"-Dartifact={LOGGING}", f"-DoutputDirectory={empty}", f"-Dnotes={empty}")
    return folder / f"{name}-{version}.jar"


@contextmanager
def filling(folder: Path) -> Iterator[Path | None]:
    """Yield an empty folder to fill, which then becomes `folder`; None when that exists. One process at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            yield None
            return
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        yield partial
        partial.rename(folder)


def _maven(*arguments: str) -> None:
    command = ["mvn", "--quiet", "--batch-mode", "--file", str(POM), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        raise ServiceError("mvn is missing: install Maven and a Java 17 or newer") from None
    if done.returncode != 0:
        raise ServiceError(f"Maven could not fetch {arguments[0]}:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")
