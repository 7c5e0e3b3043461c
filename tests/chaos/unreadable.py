"""When processes went on by what they remembered, because they could not read the webhooks: as their log says.

The law: from then until they can read again, an event may be matched by a view that is older than the last change. A
process that was ended while it could not read says no more: its spell ends when its successor speaks.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from consumer.delivery.tenants import PATIENCE_MS
from tests.chaos.beside import Span

_BEGINS: Final = "webhooks unreadable"
_ENDS: Final = f"over: {_BEGINS}"
_LESS_MS: Final = 1_000  # a question is asked before its answer is logged, and was put off before it was asked


def read_spells(folder: Path) -> list[Span]:
    """Those of all processes that lasted for as long as the delivery waits for the cache to come back."""
    found: list[Span] = []
    for path in folder.glob("hookline-*.log"):
        found += spells(path.read_text(errors="replace").splitlines())
    return found


def spells(lines: Iterable[str]) -> Iterator[Span]:
    """Those in one supervisor's log. Pure."""
    begun: dict[tuple[str, int], tuple[int, int]] = {}  # by role and slot: since when, in which process
    at_ms = 0
    for line in lines:
        try:
            said = json.loads(line)
            at_ms = round(datetime.fromisoformat(said["time"]).timestamp() * 1_000)
            who, pid, what = (str(said["role"]), int(said["slot"])), int(said["pid"]), said["event"]
        except (ValueError, KeyError, TypeError):
            continue  # another's line: of the supervisor, or of a library
        if who in begun and (what == _ENDS or begun[who][1] != pid):
            yield from _lasting(begun.pop(who)[0], at_ms)
        if what == _BEGINS:
            begun[who] = at_ms, pid
    for since_ms, _ in begun.values():
        yield from _lasting(since_ms, at_ms)


def _lasting(since_ms: int, until_ms: int) -> Iterator[Span]:
    if until_ms - since_ms >= PATIENCE_MS - _LESS_MS:
        yield Span(from_ms=since_ms + PATIENCE_MS - _LESS_MS, until_ms=until_ms)
