"""When an endpoint that only fails is suspended, and what its tenant is told. Pure.

The laws:
- only failures of the endpoint as it is now count: since its last success, with its present URL, since it was made
  active;
- whatever suspended a webhook, the notice of it follows from the webhook's record alone, its id from the webhook's and
  the moment: told twice, it is the same notice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from consumer.brands.brand import SUSPENDED
from consumer.delivery.delivery import Chunk
from consumer.delivery.tidings import about, asks_for, chunks
from consumer.events.event import Event, Record
from consumer.log.health import Health, endpoint_of
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.matching import Matcher
from consumer.webhooks.subscription import Status, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How long, and at least how often, an endpoint must have failed."""

    after_ms: int
    attempts: int


def is_due(health: Health, rule: Rule) -> bool:
    """Whether its last attempts are enough to suspend it: judged by their own times, no clock is asked."""
    since_ms = health.failing_since_ms
    return (
        since_ms is not None
        and health.consecutive_failures >= rule.attempts
        and health.last_attempt_at_ms - since_ms >= rule.after_ms
    )


def suspends(subscription: Subscription, health: Health, rule: Rule) -> bool:
    """Whether the webhook, as it is now, is to be suspended for what its health says."""
    return (
        subscription.status is Status.ACTIVE
        and is_due(health, rule)
        and (health.failing_since_ms or 0) >= subscription.status_since_ms
        and health.endpoint == endpoint_of(subscription.url)
    )


def reason_of(health: Health) -> str:
    """For the webhook's owner."""
    since_ms = health.failing_since_ms or health.last_attempt_at_ms
    return f"failed since {rfc3339(since_ms)}, {health.consecutive_failures} times in a row"


def notice(suspended: Subscription, record: Record) -> Event:
    """The event `webhook.suspended` for the record that suspended this webhook."""
    data = about(suspended) | {
        "reason": suspended.status_reason,
        "suspendedAt": rfc3339(suspended.status_since_ms),
    }
    return Event(
        id=f"suspended-{suspended.id}-{suspended.status_since_ms}",
        type=SUSPENDED,
        tenant=suspended.tenant,
        product=suspended.product,
        time_ms=suspended.status_since_ms,
        data=msgspec.json.encode(data),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
    )


def told(event: Event, owned: Sequence[Subscription], *, now_ms: int) -> Iterator[Chunk]:
    """The notice, as the spill topic takes it, for the active ones of its owner's webhooks that asked for it."""
    asking = [each for each in owned if asks_for(each, event.type)]
    for ids in chunks(each.id for each in Matcher(asking).match(event)):
        yield Chunk(event=event, subscription_ids=ids, first_due_ms=now_ms)
