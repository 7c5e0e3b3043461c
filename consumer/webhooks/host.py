"""Which hosts an endpoint's URL may name, by their syntax alone.

The law: what passes is a domain name in ASCII or an address in its one usual notation, so that no two programs read it
differently. A name in another script is kept as its A-label (IDNA 2008, RFC 5891, mapped as UTS 46 says); scripts may
be mixed in it, since nobody is asked to recognise it by eye.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

import idna

from consumer.webhooks.wrong import Code, FieldInvalid, invalid

_MAX_LENGTH: Final = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_A_LABEL: Final = "xn--"
# Where a name ends like this a browser, libc and libcurl look for an address: 2130706433, 127.1, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def stored_host(host: str) -> str:
    """The host as it goes into a URL: in lower case, an IPv6 address in its brackets.

    Raises:
        FieldInvalid: of the field `url`: it is neither a domain name nor an address in its usual notation.
    """
    if host.startswith("["):
        return f"[{_ipv6(host[1:-1])}]"
    name = _in_ascii(host).lower()
    labels = name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(name)
    if len(name) > _MAX_LENGTH or not all(map(_is_label, labels)):
        raise _refused()
    return name


def _in_ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise _refused() from None


def _is_label(label: str) -> bool:
    if not _LABEL.fullmatch(label):
        return False
    if not label.startswith(_A_LABEL):
        return True
    try:
        idna.ulabel(label)
    except idna.IDNAError:
        return False
    return True


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise invalid(
            "url",
            Code.MALFORMED,
            "must write an IPv4 address as four decimal numbers without leading zeros, as in 192.0.2.1",
        ) from None


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise _refused() from None
    if address.scope_id is not None:
        raise _refused()
    return str(address)


def _refused() -> FieldInvalid:
    return invalid("url", Code.MALFORMED, "must have a host that is a domain name (IDNA 2008) or an IP address")
