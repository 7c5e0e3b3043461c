"""How Hookline does on one machine, on one screen. Pure.

The law: what is wrong stands above what is not, and whatever is 0 and says nothing is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from consumer.roles.status import Process, Status
from consumer.telemetry.printable import printable

_GAP: Final = "  "
_LONG_S: Final = 120
_HOUR_S: Final = 3_600
_KIB: Final = 1_024
_CERTIFICATES: Final = {"ending": "end within 14 days"}


def screen(status: Status) -> list[str]:
    """The lines of the screen."""
    return [printable(line.rstrip()) for line in _lines(status)]


def _lines(status: Status) -> Iterator[str]:
    yield f"hookline {status.version}: {'ready' if status.ready else 'not ready'}"
    yield from (f"  {reason}" for reason in status.reasons)
    yield from (f"  {each.role}/{each.slot}: {each.what}, for {_time(each.for_s)}" for each in status.troubles)
    yield ""
    yield from _table(
        ("PROCESS", "STATE", "PARTITIONS", "MEMORY", "RESTARTS"), [_row(each) for each in status.processes]
    )
    if status.topics:
        yield ""
        rows = [
            (each.topic, _number(each.unstarted), _number(each.unfinished), _time(each.oldest_age_s))
            for each in status.topics
        ]
        yield from _table(("TOPIC", "NOT BEGUN", "UNDER WAY", "OLDEST"), rows)
    yield ""
    yield from _table((), [(name, words) for name, words in _counts(status) if words])


def _row(process: Process) -> tuple[str, ...]:
    if not process.running:
        state = "not running"
    else:
        state = "leads" if process.leads and not process.reasons else "not ready" if process.reasons else "ready"
    memory = process.memory_bytes
    return (
        f"{process.role}/{process.slot}",
        state,
        "" if process.partitions is None else _number(process.partitions),
        "" if memory is None else f"{memory / _KIB / _KIB:.0f} MiB",
        str(process.restarts),
    )


def _counts(status: Status) -> Iterator[tuple[str, str]]:
    now = status.deliveries
    waits = {"wait": now.waiting, "under way": now.in_flight, "held until due": now.held_until_due}
    yield "deliveries", _words(waits, zeros=True)
    if now.overdue_s:
        yield "retries overdue", f"for {_time(now.overdue_s)}"
    yield "endpoints", _words(status.lanes)
    yield "webhooks", _words(status.webhooks)
    yield "certificates", _words({_CERTIFICATES.get(word, word): n for word, n in status.certificates.items()})
    yield "events", _words(status.events)
    yield "attempts", _words(status.attempts)
    yield "dropped", _words(status.dropped)
    yield "dead letters", _words(status.dead_letters)
    yield "poison", _words(status.poison)


def _words(numbers: Mapping[str, float], *, zeros: bool = False) -> str:
    return ", ".join(
        f"{_number(number)} {word.replace('_', ' ')}" for word, number in numbers.items() if number or zeros
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    lines = [head, *rows] if head else list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))


def _number(number: float) -> str:
    return f"{number:,.0f}"


def _time(seconds: float) -> str:
    if seconds < _LONG_S:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * _HOUR_S else f"{seconds / _HOUR_S:.1f} h"
