"""Which Hookline this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Its version, for people."""
    try:
        return version("hookline")
    except PackageNotFoundError:
        return "unknown: run from a checkout that is not installed"
