"""The headers of a record that say something about its event.

The law: one that is read was given once. Of two, two readers of the same record could believe different ones.

Names are read whatever their case, and `content-type` also as `contentType` and `content_type`, which clients write who
take it from their own languages.
"""

from typing import Final

from consumer.events.event import RecordHeaders
from consumer.events.reasons import PoisonReason, Refused

_SPELLINGS: Final = {"contenttype": "content-type", "content_type": "content-type"}


class NamedHeaders:
    """Headers by name. True if there are any at all."""

    __slots__ = ("_values",)

    def __init__(self, headers: RecordHeaders) -> None:
        self._values: dict[str, list[bytes | None]] = {}
        for name, value in headers:
            self._values.setdefault(_folded(name), []).append(value)

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, name: str) -> bool:
        return _folded(name) in self._values

    def value(self, name: str) -> bytes | None:
        """The header's value, None if it is absent or has none; refuses a header that is given twice."""
        found = self._values.get(_folded(name), (None,))
        if len(found) > 1:
            raise Refused(PoisonReason.DUPLICATE_FIELD, f"the header {name} is given twice: write it once")
        return found[0]

    def text(self, name: str) -> str | None:
        """A header's value as text."""
        value = self.value(name)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Refused(PoisonReason.WRONG_TYPE, f"the header {name} is not UTF-8") from None

    def only(self, name: str) -> bytes | None:
        """The value of a header that matters only where it is plain: None for one that is given twice."""
        found = self._values.get(name, ())
        return found[0] if len(found) == 1 else None


NO_HEADERS: Final = NamedHeaders(())


def _folded(name: str) -> str:
    lower = name.lower() if name.isascii() else name
    return _SPELLINGS.get(lower, lower)
