"""A customer's own headers: which are allowed, and how they are kept.

The law: what HTTP, Hookline and the brand own, nobody overrides; no value can end a header early; and since values
are often credentials, they are sealed like secrets.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from consumer.brands.brand import Brand
from consumer.brands.header_names import is_owned
from consumer.webhooks.fields import FieldInvalid
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import SealedSecret, Subscription

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


def check_headers(headers: Mapping[str, str], brand: Brand) -> dict[str, str]:
    """Check a customer's headers.

    Raises:
        FieldInvalid: of the field `headers`, naming the header. Its value is not repeated.
    """
    if len(headers) > MAX_HEADERS:
        raise FieldInvalid("headers", f"are {len(headers)}: at most {MAX_HEADERS} are allowed")
    if len({name.lower() for name in headers}) < len(headers):
        raise FieldInvalid("headers", "name one header twice: names are the same in upper and lower case")
    for name, value in headers.items():
        _check_name(name, brand)
        _check_value(name, value)
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_LENGTH_TOGETHER:
        raise FieldInvalid("headers", f"are longer than {MAX_LENGTH_TOGETHER} characters together")
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


def _check_name(name: str, brand: Brand) -> None:
    if not name or len(name) > MAX_NAME_LENGTH:
        raise FieldInvalid("headers", f"a header name has between 1 and {MAX_NAME_LENGTH} characters")
    if wrong := _NOT_IN_NAMES.search(name):
        # Not the rest of it: "Authorization: Bearer …" is written here by mistake.
        raise FieldInvalid("headers", f"{name[: wrong.start()]!r}… is not a header name: it holds {wrong[0]!r}")
    # Servers that hand headers on as variables (CGI, RFC 3875 section 4.1.18) read an underscore as a hyphen.
    lowered = name.lower().replace("_", "-")
    if is_owned(lowered) or _is_brands(lowered, brand):
        raise FieldInvalid("headers", f"{name} is set by the delivery itself: choose another name")
    if _SIGNATURE.fullmatch(lowered):
        raise FieldInvalid("headers", f"{name} reads like a signature of ours: choose another name")


def _is_brands(lowered: str, brand: Brand) -> bool:
    """Whether the brand sends such a header, under this signing profile or another one."""
    own = {each.lower() for each in (brand.signature_header, brand.event_header) if each is not None}
    title = "".join(character for character in brand.title.lower() if character.isascii() and character.isalnum())
    return lowered in own or lowered.startswith((f"x-{title}-", f"{title}-"))


def _check_value(name: str, value: str) -> None:
    if len(value) > MAX_VALUE_LENGTH:
        raise FieldInvalid("headers", f"the value of {name} is longer than {MAX_VALUE_LENGTH} characters")
    if not _VALUE.fullmatch(value):
        raise FieldInvalid("headers", f"the value of {name} must be printable ASCII without spaces around it")
