"""Client certificates and authorities for tests of webhooks with TLS of their own."""

from pathlib import Path

from consumer.webhooks.tls import TlsWish
from tests.certificates import Authority


def authority_in(folder: Path) -> Authority:
    """One of its own, with a folder of its own."""
    folder.mkdir()
    return Authority(folder)


def identity(of: Authority, name: str = "hookline", *, expired: bool = False) -> TlsWish:
    """A client certificate that this authority signed."""
    certificate, key = of.client(name, expired=expired)
    return TlsWish(certificate=certificate.read_text(), key=key.read_text())


def trusting(authority: Authority) -> TlsWish:
    """No certificate, and this authority in place of the system's."""
    return TlsWish(authorities=authority.ca_file.read_text())
