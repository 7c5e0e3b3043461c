"""The time between two requests to an endpoint that takes only so many a second, found by trying.

Such an endpoint answers 429 to the rest, often without a Retry-After (RFC 6585 section 4 does not require one). Fewer
requests at once do not help it: one after the other may be too many. Its rate is looked for: halved with each refusal
until something is accepted, and raised by a tenth with each acceptance until the next refusal. From then on a refusal
takes a tenth of it, and an acceptance adds a two hundredth; or a tenth, where it is well above what was refused last,
for then the endpoint takes more than it did.

The laws:
- the gap is at most `MOST_MS`. An endpoint that accepts nothing even then has no rate: it is away;
- what began before the last refusal that counted says nothing of what follows it.
"""

from typing import Final

MOST_MS: Final = 30_000.0
_HALF: Final = 2.0
_A_TENTH_LESS: Final = 1 / 0.9
_FAST: Final = 1.1
_SLOWLY: Final = 1.005
_WELL_ABOVE: Final = 0.9  # of the gap that was refused last


class Spacing:
    """Begins where one request every `usual_ms` was refused at `now_ms`."""

    __slots__ = ("_accepted", "_counted_ms", "_found", "_refused_ms", "gap_ms")

    def __init__(self, usual_ms: float, now_ms: int) -> None:
        self._refused_ms = max(1.0, usual_ms)  # the gap that was refused last
        self._counted_ms = now_ms
        self._accepted = False  # whether anything was since
        self._found = False  # whether something was accepted before the last refusal
        self.gap_ms = min(MOST_MS, self._refused_ms * _A_TENTH_LESS)

    @property
    def per_s(self) -> float:
        """So many requests a second."""
        return 1_000 / self.gap_ms

    @property
    def is_in_vain(self) -> bool:
        """Whether nothing is accepted, however long the gap."""
        return self.gap_ms >= MOST_MS and not self._accepted

    def accepted(self, began_ms: int) -> None:
        """A request was accepted, or at least not refused for being too many."""
        if began_ms <= self._counted_ms:
            return
        self._accepted = True
        slowly = self._found and self.gap_ms > self._refused_ms * _WELL_ABOVE
        self.gap_ms /= _SLOWLY if slowly else _FAST

    def refused(self, began_ms: int, now_ms: int) -> None:
        """A request was refused, without a word how long to wait."""
        if began_ms <= self._counted_ms:
            return
        self._counted_ms = now_ms
        self._refused_ms = self.gap_ms
        self._found = self._accepted
        self._accepted = False
        self.gap_ms = min(MOST_MS, self.gap_ms * (_A_TENTH_LESS if self._found else _HALF))
