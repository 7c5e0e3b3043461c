"""Whether the native step is installed. Everything works without it, and slower."""

from functools import cache
from importlib.util import find_spec


@cache
def is_installed() -> bool:
    """Whether it can be imported."""
    return find_spec("hookline_native") is not None
