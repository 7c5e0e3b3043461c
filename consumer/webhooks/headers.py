"""A customer's own headers: which are allowed, and how they are kept.

The law: what HTTP, Hookline and the brand own, nobody overrides; no value can end a header early; and since values
are often credentials, they are sealed like secrets.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from consumer.brands.brand import Brand
from consumer.webhooks.fields import FieldInvalid
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import SealedSecret, Subscription

MAX_HEADERS: Final = 10
MAX_NAME_LENGTH: Final = 128
MAX_VALUE_LENGTH: Final = 4_096

# RFC 9110 section 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 9110 section 5.5: visible ASCII, and space or tab between; octets above are obsolete and misread.
_VALUE = re.compile(r"[\x21-\x7e]([\x09\x20-\x7e]*[\x21-\x7e])?|")
_OWNED = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie", "expect",
        "host", "http2-settings", "keep-alive", "te", "traceparent", "tracestate", "trailer", "transfer-encoding",
        "upgrade", "user-agent",
    }
)  # fmt: skip
_OWNED_PREFIXES = ("webhook-", "proxy-", "hookline-")


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
        _check(name, value, brand)
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


def _check(name: str, value: str, brand: Brand) -> None:
    lowered = name.lower()
    if len(name) > MAX_NAME_LENGTH or not _TOKEN.fullmatch(name):
        raise FieldInvalid("headers", f"{name[:MAX_NAME_LENGTH]!r} is not a header name")
    brands = {each.lower() for each in (brand.signature_header, brand.event_header) if each is not None}
    if lowered in _OWNED or lowered in brands or lowered.startswith(_OWNED_PREFIXES):
        raise FieldInvalid("headers", f"{name} is set by the delivery itself: choose another name")
    if lowered.startswith("x-") and lowered.endswith("-signature"):
        raise FieldInvalid("headers", f"{name} reads like a signature of ours: choose another name")
    if len(value) > MAX_VALUE_LENGTH:
        raise FieldInvalid("headers", f"the value of {name} is longer than {MAX_VALUE_LENGTH} characters")
    if not _VALUE.fullmatch(value):
        raise FieldInvalid("headers", f"the value of {name} must be printable ASCII without spaces around it")
