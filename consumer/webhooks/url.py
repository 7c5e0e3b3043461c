"""Which URLs may be endpoints, by their syntax alone.

The law: what passes here is one absolute http(s) URL that every parser reads alike (RFC 3986), and its stored form is
ASCII. Where a name resolves to, and whether that address may be called, is decided at each connection.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from consumer.webhooks.fields import FieldInvalid

MAX_URL_LENGTH: Final = 2_048
_MAX_HOST_LENGTH = 253
# Parsers disagree about these: some strip them, some read a backslash as a slash.
_AMBIGUOUS = re.compile(r"[\s\\\x00-\x20\x7f-\x9f\ud800-\udfff]")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_KEPT = "%/:?#[]@!$&'()*+,;=-._~"


def check_url(url: str, *, allow_http: bool) -> None:
    """Check an endpoint's URL.

    Raises:
        FieldInvalid: of the field `url`, saying what is wrong. The URL is not repeated: its path may be a secret.
    """
    stored_url(url, allow_http=allow_http)


def stored_url(url: str, *, allow_http: bool) -> str:
    """The checked URL in ASCII: its host by IDNA, its path and query percent-encoded where they were not ASCII.

    Raises:
        FieldInvalid: see `check_url`.
    """
    if len(url) > MAX_URL_LENGTH:
        raise _invalid(f"must be at most {MAX_URL_LENGTH} characters")
    if _AMBIGUOUS.search(url):
        raise _invalid("must not hold spaces, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid("is malformed: check its host and port") from None
    _check_scheme(parts.scheme, allow_http=allow_http)
    if "@" in parts.netloc:
        raise _invalid("must not hold a user name or password: send them as a header instead")
    if "#" in url:
        raise _invalid("must not have a fragment (#…): it is never sent")
    if not url[len(parts.scheme) :].startswith("://") or not parts.hostname:
        raise _invalid("must name a host, as in https://example.com/webhooks")
    if port == 0:
        raise _invalid("must have a port between 1 and 65535")
    netloc = _host(parts.hostname) + ("" if port is None else f":{port}")
    stored = urlunsplit((parts.scheme, netloc, quote(parts.path, safe=_KEPT), quote(parts.query, safe=_KEPT), ""))
    if len(stored) > MAX_URL_LENGTH:
        raise _invalid(f"must be at most {MAX_URL_LENGTH} characters once encoded")
    return stored


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a stored URL: who would get what is sent there (RFC 6454 section 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _check_scheme(scheme: str, *, allow_http: bool) -> None:
    if scheme == "https" or (scheme == "http" and allow_http):
        return
    raise _invalid("must begin with https://" + (" or http://" if allow_http else ""))


def _host(host: str) -> str:
    """The host as it goes into the stored URL. Raises FieldInvalid where it is neither a name nor an address."""
    if ":" in host:
        try:
            return f"[{IPv6Address(host)}]" if "%" not in host else _refuse_host()
        except AddressValueError:
            return _refuse_host()
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return _refuse_host()
    labels = name.removesuffix(".").split(".")
    if len(name) > _MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        return _refuse_host()
    return name


def _refuse_host() -> str:
    raise _invalid("must have a host that is a domain name or an IP address")


def _invalid(message: str) -> FieldInvalid:
    return FieldInvalid("url", message)
