"""A request that the native step writes, whole: rendered, signed, every byte as it goes out.

The laws: its bytes are those that `signer.py` and an engine make (`tests/property/test_written_laws.py`); what the step
cannot tell raises, and is written in Python. It is given keys; neither it nor what it writes shows one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from consumer.signing.profiles import HttpHeaders
from consumer.signing.request import Request


class Written(Protocol):
    """One such request. Only the step sends it. `shown` are its headers for the log."""

    @property
    def headers(self) -> HttpHeaders: ...
    @property
    def shown(self) -> HttpHeaders: ...
    @property
    def body(self) -> bytes: ...
    @property
    def content_type(self) -> str: ...
    @property
    def addresses(self) -> tuple[str, ...]: ...


class Endpoint(Protocol):
    """A webhook's revision, prepared."""

    def request(  # noqa: PLR0917 # an object with these fields would be made for each request
        self,
        event_id: str,
        kind: str,
        tenant: str,
        product: str | None,
        time_ms: int,
        data: bytes,
        traceparent: str | None,
        mark: str | None,
        body: bytes | None,
        content_type: str,
        scheme: int,
        now_ms: int,
        addresses: tuple[str, ...],
        /,
    ) -> Written:
        """The request of one attempt; without a body it is rendered. `mark` stands for the source of a CloudEvent.

        Raises:
            UnicodeEncodeError: a text is not Unicode.
            OverflowError: a number has more than 64 bits.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What an endpoint is made of. `schemes` are the keys that sign together, at one time or another.

    `payload_format` is None where Python renders. `own` are the customer's own headers, for whose values the log has
    `redacted`.
    """

    url: str
    timeout_ms: int
    brand: str
    user_agent: str
    signing: str
    header: str
    schemes: tuple[tuple[bytes, ...], ...] = field(repr=False)
    event_header: str | None
    payload_format: str | None
    with_workspace: bool
    own: HttpHeaders = field(repr=False)
    redacted: str


Prepare: TypeAlias = Callable[[Preparation], Endpoint | None]
"""None: nothing is sent there by the native step."""

Outgoing: TypeAlias = Request | Written
