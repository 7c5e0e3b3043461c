"""Which URLs may be endpoints, by their syntax alone.

The law: what passes here is one absolute http(s) URL that every parser reads alike (RFC 3986), and its stored form is
ASCII. Where its host is, and whether that address may be called, is decided in `control/endpoint.py` when the URL is
written, and by the guard at each connection.
"""

import re
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from consumer.webhooks.host import stored_host
from consumer.webhooks.placeholders import holds_placeholder
from consumer.webhooks.wrong import Code, FieldInvalid, invalid

MAX_URL_LENGTH: Final = 2_048
# Parsers disagree about these: some strip them, some read a backslash as a slash.
_AMBIGUOUS = re.compile(r"[\s\\\x00-\x20\x7f-\x9f\ud800-\udfff]")
# urlsplit passes over what stands before, between and behind these parts.
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(:[0-9]*)?")
_KEPT = "%/:?#[]@!$&'()*+,;=-._~"
# Where no HTTP is spoken, but something that could be talked into harm: mail, shells, name service, file sharing.
# The list is the one that browsers keep: WHATWG Fetch, "port blocking".
_OTHER_PROTOCOLS: Final = frozenset(
    {
        1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
        110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530,
        531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190,
        5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    }
)  # fmt: skip


def check_url(url: str, *, allow_http: bool) -> None:
    """Check an endpoint's URL. `allow_http` is for development: it also lifts the rule about other protocols' ports.

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
        raise _invalid(Code.TOO_LONG, f"must be at most {MAX_URL_LENGTH} characters")
    if holds_placeholder(url):
        raise _invalid(Code.PLACEHOLDER, "contains a placeholder for what is not shown: write all of the URL")
    if _AMBIGUOUS.search(url):
        raise _invalid(Code.FORBIDDEN_CHARACTER, "must not contain spaces, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid(Code.MALFORMED, "is malformed: check its host and port") from None
    _check_scheme(parts.scheme, allow_http=allow_http)
    if "@" in parts.netloc:
        raise _invalid(Code.MALFORMED, "must not contain a user name or password: send them as a header instead")
    if "#" in url:
        raise _invalid(Code.MALFORMED, "must not have a fragment (#…): it is never sent")
    if not url[len(parts.scheme) :].startswith("://") or not parts.hostname:
        raise _invalid(Code.MALFORMED, "must name a host, as in https://example.com/webhooks")
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if authority is None:
        raise _invalid(Code.MALFORMED, "is malformed: check its host and port")
    _check_port(port, allow_http=allow_http)
    netloc = stored_host(authority[1]) + ("" if port is None else f":{port}")
    stored = urlunsplit((parts.scheme, netloc, quote(parts.path, safe=_KEPT), quote(parts.query, safe=_KEPT), ""))
    if len(stored) > MAX_URL_LENGTH:
        raise _invalid(Code.TOO_LONG, f"must be at most {MAX_URL_LENGTH} characters once encoded")
    return stored


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a stored URL: who would get what is sent there (RFC 6454 section 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _check_scheme(scheme: str, *, allow_http: bool) -> None:
    if scheme == "https" or (scheme == "http" and allow_http):
        return
    raise _invalid(Code.NOT_HTTPS, "must begin with https://" + (" or http://" if allow_http else ""))


def _check_port(port: int | None, *, allow_http: bool) -> None:
    if port == 0:
        raise _invalid(Code.OUT_OF_RANGE, "must have a port between 1 and 65535")
    if port in _OTHER_PROTOCOLS and not allow_http:
        raise _invalid(
            Code.OUT_OF_RANGE,
            f"must not have port {port}, which belongs to another protocol than HTTP: use 443, for example",
        )


def _invalid(code: Code, message: str) -> FieldInvalid:
    return invalid("url", code, message)
