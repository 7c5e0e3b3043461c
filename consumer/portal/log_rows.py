"""Rows of the log as pages show them: deliveries, or single attempts. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec

from consumer.brands.brand import Retries
from consumer.events.times import milliseconds
from consumer.log.query import Row, View
from consumer.log.resource import Sight, attempt_row
from consumer.portal import pills
from consumer.portal.names import Named, named, shortened
from consumer.portal.pills import Pill, Tone
from consumer.portal.times import Moment, moment, moment_or_none, span
from consumer.portal.told import AttemptRow
from consumer.portal.words import words
from consumer.webhooks.subscription import Subscription

_SUCCESS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an endpoint answered: a code with its phrase, or why there is none."""

    tone: Tone
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """How many there were, and how many there may be; None: nobody knows."""

    number: int
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One row. `webhook` of None was deleted since: its id is left. `key` names its delivery in a form."""

    url: str
    key: str
    delivery: str
    type: str
    event_id: str
    status: Pill
    trigger: Pill | None
    answer: Answered
    duration: str
    tries: Tries
    webhook_id: str
    webhook_url: str
    webhook: Named | None
    at: Moment
    next: Moment | None
    overdue: bool


def log_row(
    row: Row, view: View, sight: Sight, webhooks: Mapping[str, Subscription], address: Callable[[str], str]
) -> LogRow:
    """A row of this view. `address` is where a page of the session is."""
    followed = False if view is View.DELIVERIES else None
    told, entry = msgspec.convert(attempt_row(row, sight, followed=followed), AttemptRow), row.entry
    of = webhooks.get(row.webhook)
    path = f"webhooks/{row.webhook}/deliveries/{entry.delivery}" if view is View.DELIVERIES else f"attempts/{told.id}"
    return LogRow(
        url=address(path),
        key=f"{row.webhook}/{entry.delivery}",
        delivery=entry.delivery,
        type=shortened(entry.event_type),
        event_id=entry.event_id,
        status=pills.of_end(entry.ended),
        trigger=pills.of_trigger(entry.trigger),
        answer=answered(told.status, told.failure, told.reason),
        duration=duration(told.elapsed_ms),
        tries=Tries(number=entry.number, most=most_tries(of, sight)),
        webhook_id=row.webhook,
        webhook_url=address(f"webhooks/{row.webhook}"),
        webhook=None if of is None else named(of),
        at=moment(entry.begun_ms, sight.now_ms),
        next=moment_or_none(ms_of(told.next_attempt_at), sight.now_ms),
        overdue=bool(told.overdue),
    )


def answered(status: int | None, failure: str | None, reason: str | None) -> Answered:
    """In words: those of HTTP; or, where no answer came, why."""
    if status is not None:
        tone = Tone.OK if status // 100 == _SUCCESS else Tone.BAD
        return Answered(tone=tone, code=str(status), text=phrase(status))
    key = f"reason.{failure or reason}"
    return Answered(tone=Tone.BAD, code="", text=words().say(key if key in words() else "reason.unknown"))


def phrase(status: int) -> str:
    """What HTTP calls it."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def duration(elapsed_ms: float | None) -> str:
    """How long an attempt took; nothing where that is not told."""
    return "" if elapsed_ms is None else f"{round(elapsed_ms)} ms" if elapsed_ms < 10_000 else span(elapsed_ms)  # noqa: PLR2004 # seconds say it better then


def most_tries(subscription: Subscription | None, sight: Sight) -> int | None:
    """How often a delivery to it is tried at most."""
    if subscription is None:
        return None
    return 1 if subscription.retries is Retries.NONE else len(sight.tiers.names)


def ms_of(text: str | None) -> int | None:
    """A time that the API tells."""
    return None if text is None else milliseconds(text)
