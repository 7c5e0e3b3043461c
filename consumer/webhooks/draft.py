"""From what a customer wishes to a valid subscription, and from there to its next revision.

The law: every subscription built here is valid, its secrets are sealed, and each change names the revision it
changes. The secret in the clear is returned once and kept nowhere.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from consumer.brands.brand import Brand
from consumer.webhooks import labels, secrets
from consumer.webhooks.headers import check_headers, open_headers, seal_headers
from consumer.webhooks.keyring import NONCE_BYTES, Keyring
from consumer.webhooks.placeholders import HIDDEN
from consumer.webhooks.secrets import Entropy
from consumer.webhooks.subscription import SealedSecret, Status, Subscription, Unblock
from consumer.webhooks.tls import seal_tls
from consumer.webhooks.url import origin_of
from consumer.webhooks.wishes import KEPT, Changes, Maybe, Wishes, checked, checked_changes
from consumer.webhooks.wrong import Code, invalid

UNBLOCKS_MOST: Final = 16
_DELIVERY_ID: Final = re.compile("[0-9a-f]{32}")
T = TypeVar("T")


def new_id(now_ms: int, entropy: Entropy) -> str:
    """An id that sorts by its time and cannot be guessed: `wh_`, 12 hex digits of milliseconds, 16 random ones."""
    return f"wh_{now_ms:012x}{entropy(8).hex()}"


def create(
    wishes: Wishes,
    *,
    brand: Brand,
    keyring: Keyring,
    now_ms: int,
    new_id: Callable[[], str],
    entropy: Entropy,
    allow_http: bool = False,
    after: int = 0,
) -> tuple[Subscription, str]:
    """A new subscription, and its secret in the clear. `after`: it follows a deletion of this revision.

    Its id is a new one, unless its customer gave it a name of his own.

    Raises:
        FieldInvalid: every field that cannot be.
    """
    asked = checked(wishes, brand, allow_http=allow_http)
    signing = asked.signing or brand.signing
    secret = secrets.generate(signing, brand, entropy) if asked.secret is None else asked.secret
    subscription_id = new_id() if asked.uid is None else labels.id_of(asked.tenant, brand.name, asked.uid)
    owner = {"tenant": asked.tenant, "subscription_id": subscription_id}
    subscription = Subscription(
        id=subscription_id,
        tenant=asked.tenant,
        brand=brand.name,
        url=asked.url,
        secret=keyring.seal(secret.encode(), nonce=entropy(NONCE_BYTES), **owner),
        signing=signing,
        payload_format=asked.payload_format or brand.payload_format,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        status_since_ms=now_ms,
        product=asked.product,
        name=asked.name,
        description=asked.description,
        event_types=asked.event_types or (),
        filter_json=asked.filter_json,
        header_names=tuple(asked.headers),
        sealed_headers=seal_headers(asked.headers, keyring, nonce=entropy(NONCE_BYTES), **owner),
        timeout_ms=brand.timeout_ms if asked.timeout_ms is None else asked.timeout_ms,
        retries=asked.retries or brand.retries,
        rate_per_s=asked.rate_per_s,
        max_concurrency=asked.max_concurrency,
        ordering=asked.ordering,
        on_failure=asked.on_failure,
        status=asked.status or Status.ACTIVE,
        uid=asked.uid,
        metadata=tuple(asked.metadata.items()),
        tls=seal_tls(asked.tls, keyring, nonce=entropy(NONCE_BYTES), now_ms=now_ms, **owner),
        changes=after,
        revision=after + 1,
    )
    return subscription, secret


def update(
    subscription: Subscription,
    changes: Changes,
    *,
    brand: Brand,
    keyring: Keyring,
    now_ms: int,
    entropy: Entropy,
    allow_http: bool = False,
) -> Subscription:
    """The next revision. Without the custom headers, which may be credentials, where another origin would get them.

    Raises:
        FieldInvalid: every field that cannot be.
        SecretUnreadable: a header is to keep its value, and the key that sealed it is missing.
    """
    was = subscription
    asked = checked_changes(was, changes, brand, allow_http=allow_http)
    url = _given(asked.url, was.url)
    header_names, sealed_headers = was.header_names, was.sealed_headers
    if origin_of(url) != origin_of(was.url):
        header_names, sealed_headers = (), None
    if asked.headers is not KEPT:
        header_names, sealed_headers = _new_headers(was, asked.headers, brand, keyring, entropy)
    tls = was.tls
    if asked.tls is not KEPT:
        owner = {"tenant": was.tenant, "subscription_id": was.id}
        tls = seal_tls(asked.tls, keyring, nonce=entropy(NONCE_BYTES), now_ms=now_ms, **owner)
    changed = replace(
        following(was, now_ms),
        url=url,
        tls=tls,
        event_types=was.event_types if asked.event_types is KEPT else asked.event_types or (),
        product=_given(asked.product, was.product),
        name=_given(asked.name, was.name),
        description=_given(asked.description, was.description),
        payload_format=_given(asked.payload_format, was.payload_format),
        retries=_given(asked.retries, was.retries),
        timeout_ms=_given(asked.timeout_ms, was.timeout_ms),
        header_names=header_names,
        sealed_headers=sealed_headers,
        filter_json=_given(asked.filter_json, was.filter_json),
        rate_per_s=_given(asked.rate_per_s, was.rate_per_s),
        max_concurrency=_given(asked.max_concurrency, was.max_concurrency),
        ordering=_given(asked.ordering, was.ordering),
        on_failure=_given(asked.on_failure, was.on_failure),
        metadata=was.metadata if asked.metadata is KEPT else tuple(asked.metadata.items()),
    )
    return changed if asked.status is KEPT else _turned(changed, asked.status)


def cleared_headers(was: Subscription, now: Subscription, changes: Changes) -> bool:
    """Whether an update cleared the custom headers without being asked to, because the URL's origin changed."""
    return changes.headers is KEPT and was.header_names != now.header_names


def pause(subscription: Subscription, *, now_ms: int) -> Subscription:
    """The next revision, paused by its customer."""
    return _turned(following(subscription, now_ms), Status.PAUSED)


def resume(subscription: Subscription, *, now_ms: int) -> Subscription:
    """The next revision, active again after a pause or a suspension."""
    return _turned(following(subscription, now_ms), Status.ACTIVE)


def suspend(subscription: Subscription, *, reason: str, now_ms: int) -> Subscription:
    """The next revision, suspended by Hookline for this reason."""
    return _turned(following(subscription, now_ms), Status.SUSPENDED, reason)


def unblock(subscription: Subscription, *, drop: bool, delivery_id: str, now_ms: int) -> Subscription:
    """The next revision, by which its stopped keys go on: all of them, or that of one delivery.

    Of what was said of single deliveries the last sixteen are kept. They are carried out within seconds.

    Raises:
        FieldInvalid: the delivery's id cannot be one.
    """
    if delivery_id and not _DELIVERY_ID.fullmatch(delivery_id):
        raise invalid("delivery", Code.MALFORMED, "must be a delivery's id, of 32 hex digits")
    unblocked = following(subscription, now_ms)
    before = subscription.unblocks if delivery_id else ()
    said = Unblock(at_ms=now_ms, drop=drop, delivery_id=delivery_id)
    others = tuple(each for each in before if each.delivery_id != delivery_id)
    return replace(unblocked, unblocks=(*others, said)[-UNBLOCKS_MOST:])


def following(subscription: Subscription, now_ms: int) -> Subscription:
    """The revision that changes this one. Its time never runs backwards, whatever the writer's clock says."""
    return replace(
        subscription,
        changes=subscription.revision,
        revision=subscription.revision + 1,
        updated_at_ms=max(now_ms, subscription.updated_at_ms),
    )


def _turned(subscription: Subscription, status: Status, reason: str = "") -> Subscription:
    """With this status, and since when it has it."""
    since_ms = subscription.status_since_ms if status is subscription.status else subscription.updated_at_ms
    return replace(subscription, status=status, status_reason=reason, status_since_ms=since_ms)


def _given(wish: Maybe[T], was: T) -> T:
    return was if wish is KEPT else wish


def _new_headers(
    was: Subscription, headers: Mapping[str, str], brand: Brand, keyring: Keyring, entropy: Entropy
) -> tuple[tuple[str, ...], SealedSecret | None]:
    """Names and sealed values. A value that is kept goes from the old seal into the new one."""
    if HIDDEN in headers.values():
        had = {name.lower(): value for name, value in open_headers(was, keyring).items()}
        headers = {name: had[name.lower()] if value == HIDDEN else value for name, value in headers.items()}
        check_headers(headers, brand)  # together they may have become too long
    sealed = seal_headers(headers, keyring, tenant=was.tenant, subscription_id=was.id, nonce=entropy(NONCE_BYTES))
    return tuple(headers), sealed
