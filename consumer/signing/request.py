"""The HTTP request of one attempt, complete: what the transport sends and nothing it has to decide."""

from typing import Any

import msgspec

from consumer.granted import Networks


class ClientTls(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook's own TLS, as PEM; "" is none. Two of one `name` are the same. The repr has the name alone."""

    name: str
    certificate: str = ""
    key: str = ""
    authorities: str = ""

    def __repr__(self) -> str:
        return f"ClientTls(name={self.name!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # a Struct's own shows every field
        return [("name", self.name)]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A POST. `headers` are complete but for Host and Content-Length, which belong to HTTP. `timeout_ms` is total.

    `addresses` are the only ones that may be connected to, in the order in which to try them; they were checked
    before, and whoever sends it looks no name up. Where a proxy looks names up, the host's name stands there instead.
    `tls` is the webhook's own, if it has any. `granted` are networks that its tenant's requests alone may go to, where
    one of the addresses is in them. The customer's own headers may be secrets: the repr has neither headers nor body.

    A Struct, since one is made for each attempt: a frozen dataclass takes ten times as long.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_ms: int
    addresses: tuple[str, ...] = ()
    tls: ClientTls | None = None
    granted: Networks = ()

    @property
    def content_type(self) -> str:
        """What the body is; empty where no header says so."""
        return next((value for name, value in self.headers if name == "content-type"), "")

    def __repr__(self) -> str:
        return f"Request(url={self.url!r}, timeout_ms={self.timeout_ms}, addresses={self.addresses})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # a Struct's own shows every field
        return [("url", self.url), ("timeout_ms", self.timeout_ms), ("addresses", self.addresses)]
