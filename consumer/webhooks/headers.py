"""A customer's own headers: which are allowed, and how they are kept.

The law: what HTTP, Hookline and the brand own, nobody overrides; no value can end a header early; and since values
are often credentials, they are sealed like secrets.
"""

import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

import msgspec

from consumer.brands.brand import Brand
from consumer.brands.header_names import is_owned
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.placeholders import HIDDEN, holds_placeholder
from consumer.webhooks.subscription import SealedSecret, Subscription
from consumer.webhooks.wrong import Code, check_each, invalid

_FIELD: Final = "headers"
MAX_HEADERS: Final = 10
MAX_NAME_LENGTH: Final = 128
MAX_VALUE_LENGTH: Final = 4_096
MAX_LENGTH_TOGETHER: Final = 8_192
"""Names and values of all: beyond it common servers answer 431 or cut the connection."""

# RFC 9110 section 5.6.2. A pseudo-header of HTTP/2 (":authority") is none.
_NOT_IN_NAMES = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
# RFC 9110 section 5.5: visible ASCII, and space or tab between; octets above are obsolete and misread.
_VALUE = re.compile(r"[\x21-\x7e]([\x09\x20-\x7e]*[\x21-\x7e])?|")
_SIGNATURE = re.compile(r"(?:.*-)?signature(?:-.*)?")


def check_headers(headers: Mapping[str, str], brand: Brand, *, kept: Collection[str] = ()) -> dict[str, str]:
    """Check a customer's headers. `kept` are names of headers that are there: `HIDDEN` keeps the value of such a one.

    Raises:
        FieldInvalid: of the field `headers`, once for each header that cannot be. Its value is not repeated.
    """
    if len(headers) > MAX_HEADERS:
        raise invalid(_FIELD, Code.TOO_MANY, f"are {len(headers)}: at most {MAX_HEADERS} are allowed")
    if len({name.lower() for name in headers}) < len(headers):
        raise invalid(_FIELD, Code.DUPLICATE, "name one header twice: names are the same in upper and lower case")
    keepable = {name.lower() for name in kept}
    check_each(partial(_check, name, value, brand, keepable) for name, value in headers.items())
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_LENGTH_TOGETHER:
        raise invalid(_FIELD, Code.TOO_LONG, f"are longer than {MAX_LENGTH_TOGETHER} characters together")
    return dict(headers)


def seal_headers(
    headers: Mapping[str, str], keyring: Keyring, *, tenant: str, subscription_id: str, nonce: bytes
) -> SealedSecret | None:
    """The headers as one sealed JSON object; None without any."""
    if not headers:
        return None
    return keyring.seal(msgspec.json.encode(headers), tenant=tenant, subscription_id=subscription_id, nonce=nonce)


def open_headers(subscription: Subscription, keyring: Keyring) -> dict[str, str]:
    """The headers in the clear.

    Raises:
        SecretUnreadable: their key is missing, or they were changed.
    """
    if subscription.sealed_headers is None:
        return {}
    plain = keyring.open(subscription.sealed_headers, tenant=subscription.tenant, subscription_id=subscription.id)
    return msgspec.json.decode(plain, type=dict[str, str])


def _check(name: str, value: str, brand: Brand, keepable: Collection[str]) -> None:
    _check_name(name, brand)
    if value == HIDDEN and name.lower() in keepable:
        return
    if holds_placeholder(value):
        raise invalid(
            _FIELD,
            Code.PLACEHOLDER,
            f"the value of {name} stands for one that is not shown, and there is none to keep here: write the value",
        )
    _check_value(name, value)


def _check_name(name: str, brand: Brand) -> None:
    if not name or len(name) > MAX_NAME_LENGTH:
        raise invalid(_FIELD, Code.MALFORMED, f"a header name has between 1 and {MAX_NAME_LENGTH} characters")
    if wrong := _NOT_IN_NAMES.search(name):
        # Not the rest of it: "Authorization: Bearer …" is written here by mistake.
        raise invalid(
            _FIELD,
            Code.MALFORMED,
            f"{name[: wrong.start()]!r}… is not a header name: it contains {wrong[0]!a}",
        )
    # Servers that hand headers on as variables (CGI, RFC 3875 section 4.1.18) read an underscore as a hyphen.
    lowered = name.lower().replace("_", "-")
    if is_owned(lowered) or _is_brands(lowered, brand):
        raise invalid(_FIELD, Code.RESERVED, f"{name} is set by the delivery itself: choose another name")
    if _SIGNATURE.fullmatch(lowered):
        raise invalid(_FIELD, Code.RESERVED, f"{name} reads like a signature of ours: choose another name")


def _is_brands(lowered: str, brand: Brand) -> bool:
    """Whether the brand sends such a header, under this signing profile or another one."""
    own = {each.lower() for each in (brand.signature_header, brand.event_header) if each is not None}
    title = "".join(character for character in brand.title.lower() if character.isascii() and character.isalnum())
    return lowered in own or lowered.startswith((f"x-{title}-", f"{title}-"))


def _check_value(name: str, value: str) -> None:
    if len(value) > MAX_VALUE_LENGTH:
        raise invalid(_FIELD, Code.TOO_LONG, f"the value of {name} is longer than {MAX_VALUE_LENGTH} characters")
    if not _VALUE.fullmatch(value):
        raise invalid(
            _FIELD, Code.FORBIDDEN_CHARACTER, f"the value of {name} must be printable ASCII without spaces around it"
        )
