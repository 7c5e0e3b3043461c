"""Which Hookline this is."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def release() -> str:
    """Its version, for people. Looking it up reads files, so it is done once."""
    try:
        return version("hookline")
    except PackageNotFoundError:
        return "unknown: run from a checkout that is not installed"
