"""Libraries that other libraries take up where they find them, and that no role needs: left out of a role's process.

structlog takes rich, with pygments, for tracebacks in colours; redis-py takes OpenTelemetry for figures of its own.
Together they are 5 to 6 MB of every process.

This module imports nothing of Hookline: it is needed before everything else.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Within it, importing one of these raises ImportError, unless it is there already. Afterwards it is as before."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None says that there is no such module
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
