"""What came of one HTTP request: behaviour of the outside world, so a value and never an exception.

Structs, since one is made for each attempt: a frozen dataclass takes ten times as long.
"""

from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from consumer.signing.profiles import HttpHeaders
from consumer.signing.written import Written


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


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Where an attempt's time went, in ms; None: it did not come to that, or the engine does not tell.

    `dns_ms` is how long the host's name was looked up for this attempt alone; None where it was known, or was asked for
    by all that wait for it. `connect_ms` is how long connecting took and `tls_ms` TLS after it; None on a connection
    that was there already. `first_byte_ms` is when the answer's first byte came, after the request's begin.
    """

    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None


UNTIMED: Final = Timing()


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer, of any status. `body` holds at most the first 16 KiB, `body_truncated` says if there was more."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    body_truncated: bool
    elapsed_ms: float
    timing: Timing = UNTIMED


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """No (whole) HTTP answer.

    `detail` is one line for people, of printable characters, whatever of the endpoint's bytes an engine's words quote;
    it reveals nothing of the network behind a refused address.

    `error` is what an engine met where an exception could only be noted: a bug, told by whoever hears of it. Its text
    may quote a request: the repr has it not.
    """

    kind: FailureKind
    detail: str
    elapsed_ms: float
    timing: Timing = UNTIMED
    error: Exception | None = None

    def __repr__(self) -> str:
        return f"Failure({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # a Struct's own shows every field
        return [("kind", self.kind), ("detail", self.detail), ("elapsed_ms", self.elapsed_ms), ("timing", self.timing)]


class Came(Protocol):
    """An HTTP answer as the native step has it. `record` makes the record of its attempt, which begins with `head`."""

    @property
    def headers(self) -> HttpHeaders: ...
    @property
    def body(self) -> bytes: ...
    @property
    def body_truncated(self) -> bool: ...

    def record(  # noqa: PLR0917 # an object with these fields would be made for each attempt
        self,
        head: bytes,
        written: Written,
        delivery_id: str,
        event_id: str,
        event_type: str,
        tenant: str,
        subscription_id: str,
        number: int,
        at_ms: int,
        first_attempt_ms: int | None,
        outcome: str,
        next_tier: str | None,
        reason: str | None,
        replay_id: str | None,
        trigger: str,
        job_id: str | None,
        product: str | None,
        event_time_ms: int,
        event_topic: str,
        event_partition: int,
        event_offset: int,
        first_due_ms: int,
        /,
    ) -> bytes: ...


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to a request that the native step wrote: a Response whose head and body come when they are read."""

    status: int
    elapsed_ms: float
    timing: Timing
    came: Came

    @property
    def headers(self) -> HttpHeaders:
        """Its fields."""
        return self.came.headers

    @property
    def body(self) -> bytes:
        """At most the first 16 KiB."""
        return self.came.body

    @property
    def body_truncated(self) -> bool:
        """Whether there was more."""
        return self.came.body_truncated


Answer: TypeAlias = Response | Kept | Failure
