"""From what a customer wishes to a valid subscription, and from there to its next revision.

The law: every subscription built here is valid, its secrets are sealed, and each change names the revision it
changes. The secret in the clear is returned once and kept nowhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

from consumer.brands.brand import Brand
from consumer.webhooks import fields, secrets
from consumer.webhooks.fields import FieldInvalid
from consumer.webhooks.filter import FilterInvalid, compile_filter
from consumer.webhooks.headers import check_headers, seal_headers
from consumer.webhooks.keyring import NONCE_BYTES, Keyring
from consumer.webhooks.secrets import OVERLAPPING, Entropy
from consumer.webhooks.subscription import PayloadFormat, Retries, SigningProfile, Status, Subscription
from consumer.webhooks.url import origin_of, stored_url

OVERLAP_MS: Final = 24 * 3_600_000


class Kept(Enum):
    """A field that a change leaves as it is; None clears it."""

    KEPT = "kept"


KEPT: Final = Kept.KEPT
T = TypeVar("T")
Maybe: TypeAlias = T | Literal[Kept.KEPT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a customer asks for. None takes the brand's default; a secret of None is generated."""

    tenant: str
    url: str
    brand: str
    event_types: tuple[str, ...] = ()
    product: str | None = None
    name: str = ""
    description: str = ""
    signing: SigningProfile | None = None
    payload_format: PayloadFormat | None = None
    secret: str | None = field(default=None, repr=False)
    retries: Retries | None = None
    timeout_ms: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    filter_json: str | None = None
    rate_per_s: float | None = None
    max_concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an update changes; everything else is kept. The signing profile changes with the secret only: `rotate`."""

    url: Maybe[str] = KEPT
    event_types: Maybe[tuple[str, ...]] = KEPT
    product: Maybe[str | None] = KEPT
    name: Maybe[str] = KEPT
    description: Maybe[str] = KEPT
    payload_format: Maybe[PayloadFormat] = KEPT
    retries: Maybe[Retries] = KEPT
    timeout_ms: Maybe[int] = KEPT
    headers: Maybe[Mapping[str, str]] = field(default=KEPT, repr=False)
    filter_json: Maybe[str | None] = KEPT
    rate_per_s: Maybe[float | None] = KEPT
    max_concurrency: Maybe[int | None] = KEPT
    status: Maybe[Literal[Status.ACTIVE, Status.PAUSED]] = KEPT


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
) -> tuple[Subscription, str]:
    """A new subscription, and its secret in the clear.

    Raises:
        FieldInvalid: the first field that cannot be.
    """
    tenant = fields.check_name("tenant", wishes.tenant)
    signing = wishes.signing or brand.signing
    own = wishes.secret
    secret = secrets.generate(signing, brand, entropy) if own is None else secrets.check_secret(own, signing)
    headers = check_headers(wishes.headers, brand)
    subscription_id = new_id()
    owner = {"tenant": tenant, "subscription_id": subscription_id}
    subscription = Subscription(
        id=subscription_id,
        tenant=tenant,
        brand=brand.name,
        url=stored_url(wishes.url, allow_http=allow_http),
        secret=keyring.seal(secret.encode(), nonce=entropy(NONCE_BYTES), **owner),
        signing=signing,
        payload_format=wishes.payload_format or brand.payload_format,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        status_since_ms=now_ms,
        product=_product(wishes.product),
        name=fields.check_line("name", wishes.name),
        description=fields.check_text("description", wishes.description),
        event_types=fields.check_event_types(wishes.event_types, brand),
        filter_json=_filter(wishes.filter_json),
        header_names=tuple(headers),
        sealed_headers=seal_headers(headers, keyring, nonce=entropy(NONCE_BYTES), **owner),
        timeout_ms=fields.check_timeout_ms(brand.timeout_ms if wishes.timeout_ms is None else wishes.timeout_ms),
        retries=wishes.retries or brand.retries,
        rate_per_s=fields.check_rate_per_s(wishes.rate_per_s),
        max_concurrency=fields.check_max_concurrency(wishes.max_concurrency),
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
        FieldInvalid: the first field that cannot be.
    """
    was = subscription
    url = _given(changes.url, was.url, lambda url: stored_url(url, allow_http=allow_http))
    header_names, sealed_headers = was.header_names, was.sealed_headers
    if origin_of(url) != origin_of(was.url):
        header_names, sealed_headers = (), None
    if changes.headers is not KEPT:
        headers = check_headers(changes.headers, brand)
        header_names = tuple(headers)
        sealed_headers = seal_headers(
            headers, keyring, tenant=was.tenant, subscription_id=was.id, nonce=entropy(NONCE_BYTES)
        )
    following = replace(
        _next(was, now_ms),
        url=url,
        event_types=_given(changes.event_types, was.event_types, lambda types: fields.check_event_types(types, brand)),
        product=_given(changes.product, was.product, _product),
        name=_given(changes.name, was.name, lambda name: fields.check_line("name", name)),
        description=_given(changes.description, was.description, lambda text: fields.check_text("description", text)),
        payload_format=_given(changes.payload_format, was.payload_format, _as_is),
        retries=_given(changes.retries, was.retries, _as_is),
        timeout_ms=_given(changes.timeout_ms, was.timeout_ms, fields.check_timeout_ms),
        header_names=header_names,
        sealed_headers=sealed_headers,
        filter_json=_given(changes.filter_json, was.filter_json, _filter),
        rate_per_s=_given(changes.rate_per_s, was.rate_per_s, fields.check_rate_per_s),
        max_concurrency=_given(changes.max_concurrency, was.max_concurrency, fields.check_max_concurrency),
    )
    return following if changes.status is KEPT else _turned(following, changes.status)


def cleared_headers(was: Subscription, now: Subscription, changes: Changes) -> bool:
    """Whether an update cleared the custom headers without being asked to, because the URL's origin changed."""
    return changes.headers is KEPT and was.header_names != now.header_names


def rotate(
    subscription: Subscription,
    *,
    brand: Brand,
    keyring: Keyring,
    now_ms: int,
    entropy: Entropy,
    secret: str | None = None,
    overlap_ms: int = OVERLAP_MS,
) -> tuple[Subscription, str]:
    """The next revision with a new secret, and that secret in the clear; None generates one.

    Where a request can carry several signatures the old secret goes on signing beside it for `overlap_ms`.

    Raises:
        FieldInvalid: the customer's own secret does not fit the profile.
    """
    signing = subscription.signing
    new = secrets.generate(signing, brand, entropy) if secret is None else secrets.check_secret(secret, signing)
    overlaps = signing in OVERLAPPING and overlap_ms > 0
    rotated = replace(
        _next(subscription, now_ms),
        secret=keyring.seal(
            new.encode(), tenant=subscription.tenant, subscription_id=subscription.id, nonce=entropy(NONCE_BYTES)
        ),
        previous_secret=subscription.secret if overlaps else None,
        previous_secret_until_ms=now_ms + overlap_ms if overlaps else 0,
    )
    return rotated, new


def pause(subscription: Subscription, *, now_ms: int) -> Subscription:
    """The next revision, paused by its customer."""
    return _turned(_next(subscription, now_ms), Status.PAUSED)


def resume(subscription: Subscription, *, now_ms: int) -> Subscription:
    """The next revision, active again after a pause or a suspension."""
    return _turned(_next(subscription, now_ms), Status.ACTIVE)


def suspend(subscription: Subscription, *, reason: str, now_ms: int) -> Subscription:
    """The next revision, suspended by Hookline for this reason."""
    return _turned(_next(subscription, now_ms), Status.SUSPENDED, reason)


def _next(subscription: Subscription, now_ms: int) -> Subscription:
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


def _given(wish: Maybe[T], was: T, check: Callable[[T], T]) -> T:
    return was if wish is KEPT else check(wish)


def _as_is(value: T) -> T:
    return value


def _product(product: str | None) -> str | None:
    return None if product is None else fields.check_name("product", product)


def _filter(filter_json: str | None) -> str | None:
    if filter_json is not None:
        try:
            compile_filter(filter_json)
        except FilterInvalid as error:
            raise FieldInvalid("filter", str(error)) from None
    return filter_json
