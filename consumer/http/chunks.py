"""The framing of a chunked body (RFC 9112 section 7.1), read from its bytes as they come. Pure: one for every engine.

The law: any bytes, however they are cut, have one reading and reading never raises. Beside the body's own bytes at most
MAX_FRAMING_BYTES are read: sizes, extensions, line ends and trailers. More of them is Malformed, as is no chunk.

    size [; extension] ─► its bytes ─► line end ─► the next size …
    0 [; extension] ─► trailers ─► blank line: the end; what comes behind it is not looked at

A line feed alone ends a line. An engine that is a library of others may find the body's end itself, and be stricter.
"""

import re
from enum import Enum, auto
from typing import Final

from consumer.http.head import Malformed
from consumer.http.transport import MAX_FRAMING_BYTES

# More digits are larger than anything that fits a size of libcurl's.
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})[; \t\r\n]")
_USUAL_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")
_LONGEST_SIZE: Final = 17  # its digits, and what shows that there are no more
_BLANK: Final = frozenset({b"\r\n", b"\n"})

TOO_MUCH_FRAMING: Final = Malformed(
    detail=f"more than {MAX_FRAMING_BYTES} bytes of chunk sizes, extensions and trailers"
)
_NO_CHUNK: Final = Malformed(detail="the response's body is not chunked as its Transfer-Encoding says")


class _Awaited(Enum):
    """What the next byte belongs to."""

    SIZE = auto()
    EXTENSION = auto()  # the rest of a size's line
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    NOTHING = auto()


class ChunkReader:
    """Takes a body's bytes as they come; `wrong` is why no more of it is wanted, `behind` whether any came after it."""

    __slots__ = ("_awaited", "_framing", "_left", "_line", "_named", "behind", "wrong")

    def __init__(self) -> None:
        self._awaited = _Awaited.SIZE
        self._line = b""  # as much of a line as tells what it is
        self._left = 0  # of the chunk
        self._named = False  # the line has a colon
        self._framing = 0
        self.wrong: Malformed | None = None
        self.behind = False

    @property
    def ended(self) -> bool:
        """Whether the whole body has come, and its trailers."""
        return self._awaited is _Awaited.NOTHING

    def read(self, received: bytes) -> bytes:
        """The body's bytes among these."""
        body: list[bytes] = []
        at = 0
        while at < len(received) and self.wrong is None and self._awaited is not _Awaited.NOTHING:
            if self._awaited is _Awaited.DATA:
                part = received[at : at + self._left]
                body.append(part)
                at += len(part)
                self._left -= len(part)
                if self._left == 0:
                    self._awaited = _Awaited.DATA_END
                continue
            if self._awaited is _Awaited.SIZE and not self._line:
                end = self._usual(received, at, body)
                if end:
                    at = end
                    continue
            end = received.find(b"\n", at) + 1 or len(received)
            self._framed(received[at:end])
            at = end
        self.behind = self.behind or at < len(received)
        return b"".join(body)

    def _usual(self, received: bytes, at: int, body: list[bytes]) -> int:
        """A chunk that has come whole and is written as most are, or the last one: where it ends. 0: it is none."""
        size = _USUAL_SIZE.match(received, at)
        if size is None:
            return 0
        start = size.end()
        end = start + int(size[1], 16)
        framing = self._framing + start - at + 2
        if received[end : end + 2] != b"\r\n" or framing > MAX_FRAMING_BYTES:
            return 0
        self._framing = framing
        if end > start:
            body.append(received[start:end])
        else:
            self._awaited = _Awaited.NOTHING
        return end + 2

    def _framed(self, part: bytes) -> None:
        """A part of a line, up to its end if that has come."""
        self._framing += len(part)
        if self._framing > MAX_FRAMING_BYTES:
            self.wrong = TOO_MUCH_FRAMING
            return
        self._line += part[: _LONGEST_SIZE + 1 - len(self._line)]
        ended = part.endswith(b"\n")
        match self._awaited:
            case _Awaited.SIZE if ended or len(self._line) >= _LONGEST_SIZE:
                self._sized(ended=ended)
            case _Awaited.EXTENSION if ended:
                self._awaited = _Awaited.DATA if self._left else _Awaited.TRAILER
            case _Awaited.DATA_END if ended or len(self._line) > 1:
                self._awaited = _Awaited.SIZE
                if self._line not in _BLANK:
                    self.wrong = _NO_CHUNK
            case _Awaited.TRAILER:
                self._trailed(part, ended=ended)
        if ended:
            self._line = b""

    def _trailed(self, part: bytes, *, ended: bool) -> None:
        """A trailer is passed over, and yet a field: else the body's end may have been read too early."""
        self._named = self._named or b":" in part
        if ended and self._line in _BLANK:
            self._awaited = _Awaited.NOTHING
        elif b"\0" in part or (ended and not self._named):
            self.wrong = _NO_CHUNK
        if ended:
            self._named = False

    def _sized(self, *, ended: bool) -> None:
        match = _SIZE.match(self._line)
        if match is None:
            self.wrong = _NO_CHUNK
            return
        self._left = int(match[1], 16)
        self._awaited = _Awaited.EXTENSION
        if ended:
            self._awaited = _Awaited.DATA if self._left else _Awaited.TRAILER
