"""Which Hookline this is."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from platform import python_version


@cache
def release() -> str:
    """Its version, for people. Looking it up reads files, so it is done once."""
    try:
        return version("hookline")
    except PackageNotFoundError:
        return "unknown: run from a checkout that is not installed"


def revision() -> str | None:
    """The commit that it was built from. Only what `make release` and the image's build make knows it."""
    told = files("consumer") / "_revision"
    return told.read_text(encoding="ascii").strip() if told.is_file() else None


def build() -> str:
    """What `hookline --version` prints: what a report of a fault has to say."""
    from confluent_kafka import libversion  # noqa: PLC0415 # the command line answers `--help` without it

    built = revision()
    parts = [
        *([f"revision {built[:12]}"] if built else []),
        f"Python {python_version()}",
        f"librdkafka {libversion()[0]}",
    ]
    return f"hookline {release()} ({', '.join(parts)})"
