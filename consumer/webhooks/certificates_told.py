"""What is told of certificates to whoever gave them: whose each is, and when it ends. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCertificate:
    """`subject` as RFC 4514 writes it; "" where it cannot be written, or is empty."""

    subject: str
    until_ms: int


def told(pem: str) -> tuple[ToldCertificate, ...]:
    """Of each certificate in this text, which was checked before (`webhooks/tls.py`)."""
    if not pem:
        return ()
    from cryptography import x509  # noqa: PLC0415 - it takes 10 MB, and most processes show none

    found: list[ToldCertificate] = []
    for each in x509.load_pem_x509_certificates(pem.encode()):
        try:
            subject = each.subject.rfc4514_string()
        except ValueError:
            subject = ""
        found.append(ToldCertificate(subject=subject, until_ms=int(each.not_valid_after_utc.timestamp() * 1_000)))
    return tuple(found)
