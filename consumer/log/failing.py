"""When the owner of a webhook is told that its endpoint fails, and that it does no more. Pure.

The laws:
- failing is told once for a streak of failures, and recovered once for what was told as failing;
- told twice, after a crash, it is the same event: its id is made of the webhook and of when the streak began.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from consumer.brands.brand import FAILING, RECOVERED
from consumer.delivery.tidings import about
from consumer.events.event import Event
from consumer.log.health import Health
from consumer.log.suspension import Rule, is_due
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.subscription import Subscription

RULE: Final = Rule(after_ms=600_000, attempts=5)
"""Five failures in a row, over ten minutes: a deploy of the endpoint's is nobody's news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidings:
    """What is to be told: that it fails `since_ms`, or that this is over."""

    since_ms: int
    over: bool


def tidings_of(health: Health) -> Tidings | None:
    """What this health says that its webhook's owner was not told yet."""
    told_ms = health.told_failing_ms
    if told_ms is None:
        since_ms = health.failing_since_ms
        return Tidings(since_ms=since_ms, over=False) if since_ms is not None and is_due(health, RULE) else None
    # Only a success ends that count: a resume, or another URL, is no recovery.
    return Tidings(since_ms=told_ms, over=True) if health.errors_since_last_success == 0 else None


def event_of(tidings: Tidings, subject: Subscription, health: Health) -> Event:
    """The event."""
    data = about(subject) | {"failingSince": rfc3339(tidings.since_ms)}
    if tidings.over:
        kind, at_ms = RECOVERED, health.last_success_at_ms or tidings.since_ms
        data["recoveredAt"] = rfc3339(at_ms)
    else:
        last = health.last_status
        kind, at_ms = FAILING, health.last_attempt_at_ms
        data["consecutiveFailures"] = health.consecutive_failures
        data["code"] = None if last is None else last.code
        data["message"] = "" if last is None else last.message
    return Event(
        id=f"{kind.rpartition('.')[2]}-{subject.id}-{tidings.since_ms}",
        type=kind,
        tenant=subject.tenant,
        product=subject.product,
        time_ms=at_ms,
        data=msgspec.json.encode(data),
        topic="",
        partition=0,
        offset=tidings.since_ms,
        timestamp_ms=0,
    )
