"""What happened, line by line, and the few lines that concern one thing.

The law: equal digests mean equal histories.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tests.simulation.timeline import START_MS, Timeline

_KEPT: Final = 300_000  # lines; of a world with a hundred thousand deliveries the first ones are forgotten
_AT_ONCE: Final = 1_024  # lines hashed together


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
        self._lines: deque[tuple[int, str, str, tuple[str, ...]]] = deque(maxlen=_KEPT)
        self._new: list[tuple[int, str, str, tuple[str, ...]]] = []
        self._whole = hashlib.blake2b(digest_size=16)

    def add(self, who: str, what: str, *about: str) -> None:
        """One more line, as of now."""
        self._new.append((self._timeline.now_ms, who, what, about))
        if len(self._new) == _AT_ONCE:
            self._hash()

    def digest(self) -> str:
        """A hash of every line."""
        self._hash()
        return self._whole.hexdigest()

    @property
    def lines(self) -> list[Line]:
        """All of them, but for the first ones where there are very many."""
        self._hash()
        return [Line(*each) for each in self._lines]

    def _hash(self) -> None:
        self._whole.update("".join(map(repr, self._new)).encode())
        self._lines += self._new
        self._new.clear()

    def concerning(self, names: Iterable[str], *, most: int = 60) -> Iterator[str]:
        """The lines about any of these, with the faults of the processes and brokers between them."""
        wanted, lines = set(names), self.lines
        found = [line for line in lines if not wanted.isdisjoint(line.about)]
        if not found:
            return
        first, last = found[0].at_ms, found[-1].at_ms
        context = [
            line for line in lines if line.what.startswith("!") and not line.about and first <= line.at_ms <= last
        ]
        chosen = sorted(found + context[-most // 3 :], key=lambda line: line.at_ms)
        if len(chosen) > most:
            yield f"             ({len(chosen) - most} earlier lines left out)"
        yield from map(str, chosen[-most:])
