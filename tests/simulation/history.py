"""What happened, line by line, and the few lines that concern one thing.

The law: equal digests mean equal histories.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tests.simulation.timeline import START_MS, Timeline

_KEPT: Final = 300_000  # lines; of a world with a hundred thousand deliveries the first ones are forgotten


class Line(NamedTuple):
    """`about` are the names of what it concerns: an event, a webhook, `topic-partition`, `topic-partition@offset`."""

    at_ms: int
    who: str
    what: str
    about: tuple[str, ...]

    def __str__(self) -> str:
        seconds = (self.at_ms - START_MS) / 1_000
        return f"{seconds:12.3f} s  {self.who:<12} {self.what:<28} {' '.join(self.about)}"


class History:
    """The lines of one seed."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.lines: deque[Line] = deque(maxlen=_KEPT)
        self._whole = hashlib.blake2b(digest_size=16)

    def add(self, who: str, what: str, *about: str) -> None:
        """One more line, as of now."""
        line = Line(self._timeline.now_ms, who, what, about)
        self.lines.append(line)
        self._whole.update(repr(tuple(line)).encode())

    def digest(self) -> str:
        """A hash of every line."""
        return self._whole.hexdigest()

    def concerning(self, names: Iterable[str], *, most: int = 60) -> Iterator[str]:
        """The lines about any of these, with the faults of the processes and brokers between them."""
        wanted = set(names)
        found = [line for line in self.lines if not wanted.isdisjoint(line.about)]
        if not found:
            return
        first, last = found[0].at_ms, found[-1].at_ms
        context = [
            line for line in self.lines if line.what.startswith("!") and not line.about and first <= line.at_ms <= last
        ]
        chosen = sorted(found + context[-most // 3 :], key=lambda line: line.at_ms)
        if len(chosen) > most:
            yield f"             ({len(chosen) - most} earlier lines left out)"
        yield from map(str, chosen[-most:])
