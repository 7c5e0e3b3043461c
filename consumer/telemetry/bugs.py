"""Bugs that were contained: what is told of one.

The law: each is logged at error level and counted by its boundary, so none is silent; and what is told is where the
code failed, never what it was given: an exception's own words may quote a payload or a secret.
"""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar, TypeVarTuple

import structlog

from consumer.telemetry.counters import counters
from consumer.telemetry.release import release
from consumer.wire import RecordCorrupt

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_log = structlog.get_logger("bugs")

_DECODE: Final = "decode"  # the boundary, as `delivery/boundary.py` names it
_ROOT: Final = str(Path(__file__).parents[2]) + "/"


class Placed(Protocol):
    """A record, as far as it says where it is."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...


def contain(boundary: str, error: Exception, **about: object) -> None:
    """Tell of a bug that ends here; `about` names what it ended, and holds nothing of it.

    Raises:
        MemoryError: it is one, which is of the process.
    """
    if isinstance(error, MemoryError):
        raise error
    counters.add("bugs", reason=boundary)
    known = {name: value for name, value in about.items() if value is not None}
    _log.error("bug contained", where=told(boundary, error), traceback=trace(error), **known)


def decoded(record: Placed, decode: Callable[[*Ts], T], *given: *Ts) -> T:
    """What one record says, for whoever follows a topic of all customers: a bug of ours costs that record only.

    It is told, and the record is one that cannot be read.

    Raises:
        RecordCorrupt: it cannot be read.
    """
    try:
        return decode(*given)
    except RecordCorrupt:
        raise
    except Exception as error:  # noqa: BLE001 # contained
        contain(_DECODE, error, topic=record.topic, partition=record.partition, offset=record.offset)
        raise RecordCorrupt(reported(_DECODE, error)) from None


def told(boundary: str, error: BaseException) -> str:
    """The boundary, the exception's type, and the last line of ours that it passed through."""
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = [(name, line) for name, line in frames if name.startswith(_ROOT)]
    name, line = (ours or frames or [("unknown", 0)])[-1]
    return f"{type(error).__name__} in {boundary} at {name.removeprefix(_ROOT)}:{line}"


def reported(boundary: str, error: BaseException) -> str:
    """The same, with whom to tell and of which version: what stands beside a record that a bug ended."""
    return f"{told(boundary, error)}: please report it (hookline {release()})"


def trace(error: BaseException) -> str:
    """The traceback without the exception's own words."""
    return "".join([*traceback.format_tb(error.__traceback__), type(error).__name__])
