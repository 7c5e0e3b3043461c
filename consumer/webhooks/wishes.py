"""What a customer asks for, and whether it can be.

The law: every field is looked at, and all that is wrong is told at once. What passes is in its stored form. Pure.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Final, Literal, TypeAlias, TypeVar

from consumer.brands.brand import Brand
from consumer.repeated_names import repeated_names
from consumer.webhooks import fields, labels, secrets
from consumer.webhooks.filter import FilterInvalid, compile_filter
from consumer.webhooks.headers import check_headers
from consumer.webhooks.ordering import NONE
from consumer.webhooks.subscription import OnFailure, PayloadFormat, Retries, SigningProfile, Status, Subscription
from consumer.webhooks.tls import TlsWish, check_tls
from consumer.webhooks.url import origin_of, stored_url
from consumer.webhooks.wrong import Code, Faults, invalid


class Kept(Enum):
    """A field that a change leaves as it is; None clears it."""

    KEPT = "kept"


KEPT: Final = Kept.KEPT
T = TypeVar("T")
Maybe: TypeAlias = T | Literal[Kept.KEPT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a customer asks for. None takes the brand's default; of `event_types`, all; a secret is generated.

    `status` of None is active; with another one the webhook begins so.
    """

    tenant: str
    url: str
    brand: str
    event_types: tuple[str, ...] | None = None
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
    ordering: str = NONE
    on_failure: OnFailure = OnFailure.DEAD_LETTER
    status: Literal[Status.ACTIVE, Status.PAUSED] | None = None
    uid: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tls: TlsWish | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an update changes; everything else is kept. The signing profile changes with the secret only: `rotate`.

    A header whose value is `HIDDEN` keeps the value that it has.
    """

    url: Maybe[str] = KEPT
    event_types: Maybe[tuple[str, ...] | None] = KEPT
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
    ordering: Maybe[str] = KEPT
    on_failure: Maybe[OnFailure] = KEPT
    status: Maybe[Literal[Status.ACTIVE, Status.PAUSED]] = KEPT
    metadata: Maybe[Mapping[str, str]] = KEPT
    tls: Maybe[TlsWish | None] = KEPT


def as_changes(wishes: Wishes, brand: Brand) -> Changes:
    """What makes a webhook of these wishes out of any other one. Its status stays where none is wished."""
    return Changes(
        url=wishes.url,
        event_types=wishes.event_types,
        product=wishes.product,
        name=wishes.name,
        description=wishes.description,
        payload_format=wishes.payload_format or brand.payload_format,
        retries=wishes.retries or brand.retries,
        timeout_ms=brand.timeout_ms if wishes.timeout_ms is None else wishes.timeout_ms,
        headers=wishes.headers,
        filter_json=wishes.filter_json,
        rate_per_s=wishes.rate_per_s,
        max_concurrency=wishes.max_concurrency,
        ordering=wishes.ordering,
        on_failure=wishes.on_failure,
        status=KEPT if wishes.status is None else wishes.status,
        metadata=wishes.metadata,
        tls=wishes.tls,
    )


def checked(wishes: Wishes, brand: Brand, *, allow_http: bool) -> Wishes:
    """The wishes in their stored form.

    Raises:
        FieldInvalid: every field that cannot be.
    """
    faults = Faults()
    stored = replace(
        wishes,
        tenant=faults.checked(partial(fields.check_tenant, "tenant"), wishes.tenant),
        url=faults.checked(partial(stored_url, allow_http=allow_http), wishes.url),
        event_types=faults.checked(_event_types(brand), wishes.event_types),
        product=faults.checked(_product, wishes.product),
        name=faults.checked(partial(fields.check_line, "name"), wishes.name),
        description=faults.checked(partial(fields.check_text, "description"), wishes.description),
        secret=faults.checked(_secret(wishes.signing or brand.signing), wishes.secret),
        timeout_ms=faults.checked(_unless_none(fields.check_timeout_ms), wishes.timeout_ms),
        headers=faults.checked(partial(_headers, brand=brand), wishes.headers),
        filter_json=faults.checked(check_filter, wishes.filter_json),
        rate_per_s=faults.checked(fields.check_rate_per_s, wishes.rate_per_s),
        max_concurrency=faults.checked(fields.check_max_concurrency, wishes.max_concurrency),
        ordering=faults.checked(fields.check_ordering, wishes.ordering),
        uid=faults.checked(_unless_none(labels.check_uid), wishes.uid),
        metadata=faults.checked(labels.check_metadata, wishes.metadata),
        tls=faults.checked(check_tls, wishes.tls),
    )
    faults.tell()
    return stored


def checked_changes(was: Subscription, changes: Changes, brand: Brand, *, allow_http: bool) -> Changes:
    """The changes in their stored form; headers that keep their values still say `HIDDEN`.

    Raises:
        FieldInvalid: every field that cannot be.
    """
    faults = Faults()
    url = _given(faults, partial(stored_url, allow_http=allow_http))(changes.url)
    stays = url is KEPT or origin_of(was.url) == (None if faults else origin_of(url))
    kept = was.header_names if stays else ()
    stored = replace(
        changes,
        url=url,
        event_types=_given(faults, _event_types(brand))(changes.event_types),
        product=_given(faults, _product)(changes.product),
        name=_given(faults, partial(fields.check_line, "name"))(changes.name),
        description=_given(faults, partial(fields.check_text, "description"))(changes.description),
        timeout_ms=_given(faults, fields.check_timeout_ms)(changes.timeout_ms),
        headers=_given(faults, partial(_headers, brand=brand, kept=kept))(changes.headers),
        filter_json=_given(faults, check_filter)(changes.filter_json),
        rate_per_s=_given(faults, fields.check_rate_per_s)(changes.rate_per_s),
        max_concurrency=_given(faults, fields.check_max_concurrency)(changes.max_concurrency),
        ordering=_given(faults, fields.check_ordering)(changes.ordering),
        metadata=_given(faults, labels.check_metadata)(changes.metadata),
        tls=_given(faults, check_tls)(changes.tls),
    )
    faults.tell()
    return stored


def check_filter(filter_json: str | None) -> str | None:
    """A filter that compiles, or none. Raises FieldInvalid."""
    if filter_json is not None:
        try:
            compile_filter(filter_json)
        except FilterInvalid as error:
            raise invalid("filter", Code.NOT_A_FILTER, str(error)) from None
        if repeated := repeated_names(filter_json):
            place = ".".join(map(str, ("$", *repeated[0])))
            raise invalid("filter", Code.DUPLICATE, f"{place}: is written more than once")
    return filter_json


def _given(faults: Faults, check: Callable[[T], T]) -> Callable[[Maybe[T]], Maybe[T]]:
    """The check, of what is given only."""

    def checked(wish: Maybe[T]) -> Maybe[T]:
        if wish is KEPT:
            return KEPT
        passed: T = faults.checked(check, wish)
        return passed

    return checked


def _unless_none(check: Callable[[T], T]) -> Callable[[T | None], T | None]:
    """The check, of what may be none."""
    return lambda wish: None if wish is None else check(wish)


_product = _unless_none(partial(fields.check_name, "product"))


def _event_types(brand: Brand) -> Callable[[tuple[str, ...] | None], tuple[str, ...] | None]:
    return _unless_none(partial(fields.check_event_types, brand=brand))


def _secret(signing: SigningProfile) -> Callable[[str | None], str | None]:
    return _unless_none(partial(secrets.check_secret, profile=signing))


def _headers(headers: Mapping[str, str], *, brand: Brand, kept: Collection[str] = ()) -> Mapping[str, str]:
    return check_headers(headers, brand, kept=kept)
