"""The HTTP request of one attempt, complete: what the transport sends and nothing it has to decide."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST. `headers` are complete but for Host and Content-Length, which belong to HTTP. `timeout_ms` is total.

    `addresses` are the only ones that may be connected to, in the order in which to try them; who sends it has judged
    them, and looks no name up.

    The customer's own headers may be secrets: neither headers nor body are part of the repr.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    timeout_ms: int
    addresses: tuple[str, ...] = ()
