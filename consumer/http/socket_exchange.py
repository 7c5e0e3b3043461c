"""One request and its answer inside the sockets engine: what became of it so far, and the answer made of that."""

import socket
from dataclasses import replace
from typing import Final

from consumer.delivery.answer import UNTIMED, Answer, Failure, FailureKind, Timing
from consumer.http.addressee import addressee, written
from consumer.http.answer_reader import AnswerReader
from consumer.http.head_cache import HeadCache
from consumer.signing.request import Request
from consumer.telemetry.printable import printable

NO_FD: Final = -1


class Exchange:
    """Of one request, from `submit` to its answer. `to` is None where its URL names nobody.

    `parts` are the request as it goes out. `port` is what is connected to: the endpoint's, or the proxy's. Through one
    `target` is the endpoint's address that it is asked for, and `targets` are those after it, the next one last.
    """

    __slots__ = (
        "connected_s",
        "fd",
        "first_byte_s",
        "parts",
        "port",
        "problem",
        "reader",
        "refused",
        "request",
        "reused",
        "secured_s",
        "started_s",
        "target",
        "targets",
        "to",
        "to_try",
        "token",
        "trying",
    )

    def __init__(self, token: int, request: Request, heads: HeadCache, started_s: float) -> None:
        """Raises ValueError where it cannot be written as HTTP."""
        to = addressee(request.url)
        if to is not None and request.tls is not None:
            to = replace(to, origin=f"{to.origin} {request.tls.name}")  # no connection or session is another's
        self.token = token
        self.request = request
        self.to = to
        self.parts = [] if to is None else written(to.begins, request)
        self.reader = AnswerReader(heads)
        self.started_s = started_s
        self.fd = NO_FD  # of the connection that carries it
        self.reused = False  # its connection carried others before
        self.connected_s: float | None = None
        self.secured_s: float | None = None
        self.first_byte_s: float | None = None
        self.to_try: list[str] = []  # addresses, the next one last
        self.trying: dict[int, tuple[socket.socket, str]] = {}  # by descriptor: each with the address it connects to
        self.port = 0 if to is None else to.port
        self.target = ""
        self.targets: list[str] = []
        self.refused = False  # the proxy has refused all of them once
        self.problem = ""  # with the latest of the addresses that failed

    def ended(self, kind: FailureKind, detail: str, now_s: float) -> Answer:
        """The answer, where nothing more comes: a failure, unless what has come is enough."""
        elapsed_ms = (now_s - self.started_s) * 1_000
        if self.reader.is_response:
            return self.reader.response(elapsed_ms, self.timing)
        return Failure(kind=kind, detail=printable(detail), elapsed_ms=elapsed_ms, timing=self.timing)

    @property
    def timing(self) -> Timing:
        """Where its time went so far."""
        started_s, connected_s, first_byte_s = self.started_s, self.connected_s, self.first_byte_s
        if connected_s is None and first_byte_s is None:
            return UNTIMED
        first_byte_ms = None if first_byte_s is None else (first_byte_s - started_s) * 1_000
        if connected_s is None:
            return Timing(first_byte_ms=first_byte_ms)
        return Timing(
            connect_ms=(connected_s - started_s) * 1_000,
            tls_ms=None if self.secured_s is None else (self.secured_s - connected_s) * 1_000,
            first_byte_ms=first_byte_ms,
        )
