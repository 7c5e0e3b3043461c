"""The settings of a webhook as its page lists them. Pure."""

from dataclasses import dataclass
from typing import Final

import msgspec

from consumer.portal.times import Moment, moment, moment_or_none
from consumer.webhooks.subscription import Subscription

_TYPES_MOST: Final = 60
_FILTER_MOST: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsView:
    """What is empty or None was not set. `types` of none: all; `more_types`: so many more. No header shows its value.

    `certificate_ends` is of the client certificate, `authorities_end` of the first of the webhook's own authorities.
    """

    id: str
    uid: str | None
    url: str
    description: str
    types: tuple[str, ...]
    more_types: int
    product: str | None
    filter: str | None
    payload: str
    signing: str
    retries: str
    timeout_s: str
    rate: str | None
    concurrency: int | None
    ordering: str | None
    on_failure: str
    headers: tuple[str, ...]
    certificate_ends: Moment | None
    authorities_end: Moment | None
    metadata: tuple[tuple[str, str], ...]
    created: Moment
    updated: Moment


def settings_view(subscription: Subscription, now_ms: int) -> SettingsView:
    """Those of this one."""
    rate, tls = subscription.rate_per_s, subscription.tls
    types = tuple(each for each in subscription.event_types if each != "*")
    return SettingsView(
        id=subscription.id,
        uid=subscription.uid,
        url=subscription.url,
        description=subscription.description,
        types=types[:_TYPES_MOST],
        more_types=max(0, len(types) - _TYPES_MOST),
        product=subscription.product,
        filter=None if subscription.filter_json is None else _laid_out(subscription.filter_json),
        payload=f"payload.{subscription.payload_format}",
        signing=f"signing.{subscription.signing}",
        retries=f"retries.{subscription.retries}",
        timeout_s=f"{subscription.timeout_ms / 1_000:g}",
        rate=None if rate is None else f"{rate:g}",
        concurrency=subscription.max_concurrency,
        ordering=None if subscription.ordering == "none" else subscription.ordering,
        on_failure=f"on_failure.{subscription.on_failure}",
        headers=subscription.header_names,
        certificate_ends=None if tls is None else moment_or_none(tls.certificate_until_ms, now_ms),
        authorities_end=None if tls is None else moment_or_none(tls.authorities_until_ms, now_ms),
        metadata=subscription.metadata,
        created=moment(subscription.created_at_ms, now_ms),
        updated=moment(subscription.updated_at_ms, now_ms),
    )


def _laid_out(filter_json: str) -> str:
    """A filter for reading; one that would become many lines, as it is."""
    text = msgspec.json.format(filter_json.encode(), indent=2).decode()
    return text if len(text) <= _FILTER_MOST else filter_json
