"""The HTTP request of one attempt, complete: what the transport sends and nothing it has to decide."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST. `headers` are complete but for Host and Content-Length, which belong to HTTP. `timeout_ms` is total."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_ms: int
