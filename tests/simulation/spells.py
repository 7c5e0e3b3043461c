"""When the cache could not be read, or showed what was older: the times in which older versions of webhooks are used.

The law (docs/guarantees.md, "Redis is away"): while the cache cannot be read, a view that was in use until then is used
at once, and an older one when this has lasted for `PATIENCE_MS`. What somebody believes of a replica that is behind may
be as old as that replica.
"""

from dataclasses import dataclass
from typing import Final

from consumer.delivery.tenants import PATIENCE_MS

STALENESS_MS: Final = 1_000
IN_USE_MS: Final = 3 * STALENESS_MS + PATIENCE_MS
"""How long after a version was replaced a view with it may be used in any case: it was in use when the cache was last
read, was asked for a moment before, and there is nothing else until the patience is over."""

_AFTER_MS: Final = 5_000  # until everybody who could not read has asked again; in between, two spells are one


@dataclass(slots=True)
class _Spell:
    from_ms: int
    until_ms: int


class Spells:
    """They are told when they begin, as it is known then when they will be over."""

    def __init__(self) -> None:
        self._unread: list[_Spell] = []
        self._behind: list[_Spell] = []

    def unread(self, from_ms: int, until_ms: int) -> None:
        """Nobody can read the cache from then on, or nobody believes what he reads."""
        last = self._unread[-1] if self._unread else None
        if last is not None and from_ms <= last.until_ms + _AFTER_MS:
            last.from_ms, last.until_ms = min(last.from_ms, from_ms), max(last.until_ms, until_ms)
        else:
            self._unread.append(_Spell(from_ms, until_ms))

    def behind(self, from_ms: int, until_ms: int) -> None:
        """Somebody may believe in what is older from then on."""
        self._behind.append(_Spell(from_ms, until_ms))

    def hid_news(self, from_ms: int, until_ms: int) -> bool:
        """Whether what was replaced long before may have been used for something that came at `from_ms`, until then."""
        return any(
            each.until_ms + _AFTER_MS >= from_ms and each.from_ms + PATIENCE_MS - STALENESS_MS <= until_ms
            for each in self._unread
            if each.until_ms - each.from_ms >= PATIENCE_MS - STALENESS_MS
        ) or any(each.until_ms + _AFTER_MS >= from_ms and each.from_ms <= until_ms for each in self._behind)
