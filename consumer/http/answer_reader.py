"""One answer, read from its bytes as they come. Pure: the sockets engine's reading, without a socket.

The law: any bytes, however they are cut, have one reading and reading never raises. What the head says is for `head.py`
alone, what is body among chunks for `chunks.py`. At most MAX_HEAD_BYTES of heads are read, interim ones included,
MAX_FRAMING_BYTES of what frames chunks, and little more than DRAIN_BYTES of body, of which MAX_BODY_BYTES are kept.

    HEAD ─┬─► LENGTH ──────┐ so many bytes
          ├─► CHUNKS ──────┤ the last chunk and its trailers     ┌─ whole: a Response
          ├─► UNTIL_CLOSED ┤ the connection's end                ├─ cut: more came than is kept, a Response too
          └─► (no body) ───┴───────────────────────────► OVER ───┴─ wrong: Malformed
"""

from enum import Enum, auto
from typing import Final

from consumer.delivery.answer import Response, Timing
from consumer.http.chunks import ChunkReader
from consumer.http.head import Head, HeadReader, Malformed, head_of
from consumer.http.head_cache import HeadCache
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES, MAX_HEAD_BYTES

_BODILESS: Final = frozenset({204, 304})
_END: Final = b"\r\n\r\n"

BODY_CUT: Final = Malformed(detail="the connection was closed before the response's body was whole")
HEAD_CUT: Final = "the connection was closed before the response's head was whole"


class _Stage(Enum):
    HEAD = auto()
    LENGTH = auto()
    CHUNKS = auto()
    UNTIL_CLOSED = auto()
    OVER = auto()


# By a name of the module: in the class, each look takes longer than the comparison.
_HEAD: Final = _Stage.HEAD
_LENGTH: Final = _Stage.LENGTH
_CHUNKS: Final = _Stage.CHUNKS
_UNTIL_CLOSED: Final = _Stage.UNTIL_CLOSED
_OVER: Final = _Stage.OVER


class AnswerReader:
    """Takes one answer's bytes. `over`: no more of them are wanted. `wrong`: why it is none.

    `keeps`: the answer is whole, and the next one may come on the same connection.
    """

    __slots__ = (
        "_behind",
        "_body",
        "_body_bytes",
        "_chunks",
        "_head",
        "_heads",
        "_left",
        "_line",
        "_lines",
        "_stage",
        "begun",
        "wrong",
    )

    def __init__(self, heads: HeadCache) -> None:
        self._heads = heads
        self._head: Head | None = None
        self._stage: _Stage = _HEAD
        self._lines: HeadReader | None = None  # where the head is not known, or came in parts
        self._line = bytearray()  # as much of a line as has come
        self._chunks: ChunkReader | None = None
        self._left = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._behind = False
        self.begun = False
        self.wrong: Malformed | None = None

    @property
    def over(self) -> bool:
        return self._stage is _OVER

    @property
    def keeps(self) -> bool:
        head = self._head
        return (
            self._stage is _OVER
            and self.wrong is None
            and head is not None
            and not (head.closes or self._behind or self._body_bytes > DRAIN_BYTES)
        )

    @property
    def is_response(self) -> bool:
        """Whether this is a Response even if nothing more comes: it is whole, or more came than is kept of it."""
        return self._body_bytes > MAX_BODY_BYTES or (
            self._stage is _OVER and self.wrong is None and self._head is not None
        )

    def read(self, received: bytes) -> bool:
        """More bytes; whether the answer is over with them. There is at least one."""
        self.begun = True
        if self._stage is _HEAD:
            received = self._in_head(received)
        if received:
            self._in_body(received)
        return self._stage is _OVER

    def closed(self) -> None:
        """The connection ended in good order. In a head that is no answer, and nothing is noted as wrong."""
        if self._stage in {_LENGTH, _CHUNKS}:
            self.wrong = BODY_CUT
        if self._stage is not _HEAD:
            self._behind = True
            self._stage = _OVER

    def response(self, elapsed_ms: float, timing: Timing) -> Response:
        """The answer as it stands, where `is_response`."""
        head = self._head
        assert head is not None
        body = self._body
        return Response(
            status=head.status,
            headers=head.headers,
            body=(body[0] if len(body) == 1 else b"".join(body))[:MAX_BODY_BYTES],
            body_truncated=self._body_bytes > MAX_BODY_BYTES,
            elapsed_ms=elapsed_ms,
            timing=timing,
        )

    def _in_head(self, received: bytes) -> bytes:
        """As far as the head goes; what is behind it."""
        end = received.find(_END) + len(_END) if self._lines is None else 0
        if end >= len(_END):
            whole = received[:end]
            head = self._heads.get(whole)
            if head is None:
                head = head_of(whole)
                if head is not None:
                    self._heads.put(whole, head)
            if head is not None:
                self._framed(head)
                return received[end:]
        return self._by_lines(received)

    def _by_lines(self, received: bytes) -> bytes:
        reader = self._lines = self._lines or HeadReader()
        start = 0
        while reader.found is None and start < len(received):
            end = received.find(b"\n", start) + 1
            if end and not self._line:
                reader.line(received[start:end])
            else:
                self._part_of_line(reader, received[start : end or len(received)])
            start = end or len(received)
        match reader.found:
            case Head() as head:
                self._framed(head)
            case Malformed() as wrong:
                self._is_wrong(wrong)
            case None:
                pass
        return received[start:]

    def _part_of_line(self, reader: HeadReader, part: bytes) -> None:
        line = self._line
        line += part
        if line.endswith(b"\n") or len(line) > MAX_HEAD_BYTES or not reader.may_become_line(line):
            reader.line(bytes(line))
            line.clear()

    def _framed(self, head: Head) -> None:
        """The head is whole: where its body ends."""
        self._head = head
        if head.status in _BODILESS:
            self._stage = _OVER
        elif head.chunked:
            self._stage = _CHUNKS
            self._chunks = ChunkReader()
        elif head.length is None:
            self._stage = _UNTIL_CLOSED
        else:
            self._stage = _LENGTH if head.length else _OVER
            self._left = head.length

    def _in_body(self, received: bytes) -> None:
        if self._stage is _LENGTH:
            self._by_length(received)
        elif self._stage is _CHUNKS:
            self._by_chunks(received)
        elif self._stage is _UNTIL_CLOSED:
            self._keep(received)
        else:
            self._behind = True

    def _by_length(self, received: bytes) -> None:
        more = len(received) - self._left
        if more > 0:
            self._behind = True
            received = received[: self._left]
        self._left -= len(received)
        self._keep(received)
        if self._left == 0:
            self._stage = _OVER

    def _by_chunks(self, received: bytes) -> None:
        chunks = self._chunks
        assert chunks is not None
        self._keep(chunks.read(received))
        if chunks.wrong is not None:
            self._is_wrong(chunks.wrong)
        elif chunks.ended:
            self._stage = _OVER
            self._behind = self._behind or chunks.behind

    def _keep(self, part: bytes) -> None:
        before = self._body_bytes
        self._body_bytes = before + len(part)
        if before < MAX_BODY_BYTES:
            self._body.append(part)
        if self._body_bytes > DRAIN_BYTES:
            self._stage = _OVER

    def _is_wrong(self, wrong: Malformed) -> None:
        self.wrong = wrong
        self._stage = _OVER
