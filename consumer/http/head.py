"""The head of an HTTP/1.1 answer, from its lines. Pure: one reading for every engine.

The law: any lines, in any order, have one reading and reading never raises. What is not HTTP/1.1 (RFC 9112 sections 4
and 5) is Malformed, with words for people; so is what the engines' own parsers read each in their way.

    status line ─► fields … ─► blank line ─┬─► status 1xx: an interim answer, passed over; the next status line
                                           └─► the Head; what comes behind it is the body's

A status line stands first and behind an interim answer only: elsewhere `HTTP/1.1 200 OK` is a field, and no good one.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from consumer.http.transport import MAX_HEAD_BYTES

_CACHED_LINE_BYTES: Final = 128
_FINAL: Final = 200  # RFC 9110 section 15.2: below are interim answers
_SWITCHED: Final = 101  # never asked for
_BEGINS: Final = b"HTTP/"
_MOST_FIELDS: Final = 2_000  # libcurl takes no more than 5,000 lines
_BLANK: Final = frozenset({b"\r\n", b"\n"})
_FOLDS: Final = (b" ", b"\t")

# A missing reason may have lost the space before it; names are taken as they come, as long as they are one word.
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: [^\x00\n\x0b\x0c\r]*)?\r?\n")
_FIELD: Final = re.compile(rb"([^\x00-\x20\x7f:]+):[ \t]*([^\x00\n\x0b\x0c\r]*)\r?\n")
_CONTINUED: Final = re.compile(rb"[ \t]+([^\x00\n\x0b\x0c\r]*)\r?\n")
# No size of anything has more digits; Python refuses to read more than 4,300.
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_LENGTH: Final = "content-length"
_LOCATION: Final = "location"
_CODING: Final = "transfer-encoding"
_CONNECTION: Final = "connection"
_LOOKED_AT: Final = {len(name): name for name in (_LENGTH, _LOCATION, _CODING, _CONNECTION)}  # most differ in length

_Read: TypeAlias = tuple[tuple[str, str], str]
"""A field, and which of those that are looked at it is; "" for all others."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A final answer's status, 200 to 999, and its fields in their order. `minor` is the version's: 0 or 1.

    `chunked` and `length` are how its body would be framed, if it has one: in chunks, whatever its length, or by its
    length; or else by the connection's end. `closes` says that the connection is of no use behind it.
    """

    minor: int
    status: int
    headers: tuple[tuple[str, str], ...]
    chunked: bool = False
    length: int | None = None
    closes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """No head of HTTP/1.1; `detail` says what is wrong and repeats nothing of it."""

    detail: str


TOO_LARGE: Final = Malformed(detail=f"response headers larger than {MAX_HEAD_BYTES} bytes")
_NO_STATUS_LINE: Final = Malformed(detail="the response does not begin with a status line of HTTP/1.1")
_SWITCHES: Final = Malformed(detail="the response switches to another protocol, which was not asked for")
_TOO_MANY: Final = Malformed(detail=f"the response has more than {_MOST_FIELDS} header fields")
_NO_FIELD: Final = Malformed(detail="a line of the response's head is no header field")
_NO_LENGTH: Final = Malformed(detail="the response's Content-Length is not one number")
_TWO_PLACES: Final = Malformed(detail="the response has two Locations")
_NO_CODING: Final = Malformed(detail="the response's Transfer-Encoding is not chunked")


class HeadReader:
    """Takes an answer's lines as they come, each with its line feed."""

    __slots__ = ("_continued", "_fields", "_minor", "_size", "_status", "found")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """For the next answer."""
        self._size = 0
        self._minor = 0
        self._status = 0
        self._fields: list[_Read] = []
        self._continued: list[str] = []  # what goes on with the last field
        self.found: Head | Malformed | None = None
        """What the lines so far are; None while the final head is not whole."""

    def line(self, line: bytes) -> bool:
        """One more line. False: the answer is malformed, and no more of it is wanted."""
        self._size += len(line)
        if self._size > MAX_HEAD_BYTES:
            self.found = TOO_LARGE
        elif self.found is None:
            self.found = self._began(line) if self._status == 0 else self._went_on(line)
        return not isinstance(self.found, Malformed)

    def may_become_line(self, part: bytes | bytearray) -> bool:
        """Whether a line may begin like this: who speaks another protocol need not be heard to the end of a line."""
        return self._status != 0 or part[: len(_BEGINS)] == _BEGINS[: len(part)]

    def _began(self, line: bytes) -> Malformed | None:
        self._minor, self._status = _cached_status(line) if len(line) <= _CACHED_LINE_BYTES else _status(line)
        if self._status == 0:
            return _NO_STATUS_LINE
        return _SWITCHES if self._status == _SWITCHED else None

    def _went_on(self, line: bytes) -> Head | Malformed | None:
        if line.startswith(_FOLDS):
            return self._folded(line)
        if self._continued:
            self._unfold()
        if line in _BLANK:
            return self._ended()
        field = _cached_field(line) if len(line) <= _CACHED_LINE_BYTES else _field(line)
        if field is None:
            return _NO_FIELD
        self._fields.append(field)
        return _TOO_MANY if len(self._fields) > _MOST_FIELDS else None

    def _folded(self, line: bytes) -> Malformed | None:
        """A line that goes on with the field before it (RFC 9112 section 5.2)."""
        match = _CONTINUED.fullmatch(line)
        if match is None or not self._fields:
            return _NO_FIELD
        self._continued.append(match[1].decode("latin-1"))
        return None

    def _unfold(self) -> None:
        """A space stands for each break."""
        (name, value), known = self._fields[-1]
        parts = (part.strip(" \t") for part in (value, *self._continued))
        self._fields[-1] = (name, " ".join(filter(None, parts))), known
        self._continued = []

    def _ended(self) -> Head | Malformed | None:
        status, fields = self._status, self._fields
        if status < _FINAL:
            self._status, self._fields = 0, []
            return None
        return _head(self._minor, status, fields)


def head_of(whole: bytes) -> Head | None:
    """The head that these bytes are, from its status line to its blank line; None where it takes a HeadReader to tell.

    The same as a HeadReader's, and faster: most heads come whole, and are written in the usual way.
    """
    lines = whole.splitlines(keepends=True)
    if len(lines) - 2 > _MOST_FIELDS or not len(lines) == whole.count(b"\n") == whole.count(b"\r\n"):
        return None
    minor, status = _cached_status(lines[0]) if len(lines[0]) <= _CACHED_LINE_BYTES else _status(lines[0])
    if status < _FINAL or len(whole) > MAX_HEAD_BYTES or not whole.endswith(b"\n\r\n"):
        return None
    fields: list[_Read] = []
    for line in lines[1:-1]:
        field = _cached_field(line) if len(line) <= _CACHED_LINE_BYTES else _field(line)
        if field is None:
            return None
        fields.append(field)
    head = _head(minor, status, fields)
    return head if isinstance(head, Head) else None


def _head(minor: int, status: int, fields: list[_Read]) -> Head | Malformed:
    """A final head of these, or how its body's end is told wrong: engines would each find their own (RFC 9112)."""
    told = [(known, value) for (_, value), known in fields if known]
    lengths = {value for known, value in told if known == _LENGTH}
    if len(lengths) > 1 or not all(map(_NUMBER.fullmatch, lengths)):
        return _NO_LENGTH
    if len({value for known, value in told if known == _LOCATION}) > 1:
        return _TWO_PLACES  # libcurl takes no such answer
    codings = [value.lower() for known, value in told if known == _CODING]
    if codings not in ([], ["chunked"]):
        return _NO_CODING
    length = int(lengths.pop()) if lengths else None
    closes = minor == 0 or any("close" in value.lower() for known, value in told if known == _CONNECTION)
    return Head(
        minor=minor,
        status=status,
        headers=tuple([field for field, _ in fields]),
        chunked=bool(codings),
        length=length,
        # Who says both may have been read in two ways on the way here: nothing behind this answer is trusted.
        closes=closes or bool(codings and length is not None),
    )


def _status(line: bytes) -> tuple[int, int]:
    """A status line's minor version and status, 100 to 999; the status is 0 for any other line."""
    match = _STATUS.fullmatch(line)
    if match is None:
        return 0, 0
    status = int(match[2])
    return int(match[1]), status if status >= 100 else 0  # noqa: PLR2004 - RFC 9110 section 15: the first digit is a class


def _field(line: bytes) -> _Read | None:
    match = _FIELD.fullmatch(line)
    if match is None:
        return None
    name = match[1].decode("latin-1")
    known = _LOOKED_AT.get(len(name), "")
    return (name, match[2].decode("latin-1").rstrip(" \t")), known if name.lower() == known else ""


# The same endpoint sends the same lines, all but the date.
_cached_status = lru_cache(maxsize=256)(_status)
_cached_field = lru_cache(maxsize=2_048)(_field)
