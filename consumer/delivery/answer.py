"""What came of one HTTP request: behaviour of the outside world, so a value and never an exception."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias


class FailureKind(StrEnum):
    """Why there is no HTTP answer. The words appear in logs, dead letters and metrics."""

    TIMEOUT = "timeout"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    RESET = "reset"
    PROTOCOL = "protocol"
    ADDRESS_REFUSED = "address_refused"
    UNSIGNABLE = "unsignable"  # its secret cannot be opened; nothing was sent
    UNANSWERED = "unanswered"  # handed over to a retry before its answer came
    BUG = "bug"  # an exception of ours ended the attempt


OURS: Final = frozenset({FailureKind.UNSIGNABLE, FailureKind.UNANSWERED, FailureKind.BUG})
"""Failures that say nothing of the endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP answer, of any status. `body` holds at most the first 16 KiB, `body_truncated` says if there was more."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    body_truncated: bool
    elapsed_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """No (whole) HTTP answer.

    `detail` is one line for people, of printable characters, whatever of the endpoint's bytes an engine's words quote;
    it reveals nothing of the network behind a refused address.

    `error` is what an engine met where an exception could only be noted: a bug, told by whoever hears of it.
    """

    kind: FailureKind
    detail: str
    elapsed_ms: float
    error: Exception | None = field(default=None, repr=False, compare=False)


Answer: TypeAlias = Response | Failure
