"""The form of what is to be sent again: since when, which of them, how fast. Pure.

The law: what a page takes is what the API takes: its words are read into the API's models, and what cannot be is told
at its field.
"""

from dataclasses import dataclass, replace
from typing import Final

from consumer.api.job_models import Recovery, ReplayFilter
from consumer.api.job_subjects import matching_of, missed_of
from consumer.jobs.job import LEAST_PER_S, MOST_PER_S, USUAL_PER_S, Kind, Matching, Missed, Subject
from consumer.portal.log_filters import STATUSES
from consumer.portal.visit import Fields
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.subscription import Status, Subscription
from consumer.webhooks.wrong import Code, Faults, FieldInvalid, Wrong

_WEEK_MS: Final = 7 * 86_400_000
_CHECKED: Final = "1"
_FAILED: Final = "failed"
_MANY_DIGITS: Final = 9
_FIELDS: Final = {"types": "type"}
"""Fields that are called otherwise on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is typed. `statuses`, `reason` and `type` narrow deliveries; events have none of the first two."""

    since: str = ""
    until: str = ""
    rate: str = str(USUAL_PER_S)
    again: bool = False
    statuses: tuple[str, ...] = ()
    reason: str = ""
    type: str = ""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The same as an address."""
        said = [("since", self.since), ("until", self.until), ("reason", self.reason), ("type", self.type)]
        said += [("status", each) for each in self.statuses]
        if self.rate != str(USUAL_PER_S):
            said.append(("rate", self.rate))
        if self.again:
            said.append(("again", _CHECKED))
        return tuple((name, value) for name, value in said if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span to be chosen with one press; `key` is its word's."""

    key: str
    since: str
    until: str = ""


def sending_of(fields: Fields, kind: Kind) -> Sending:
    """What an address or a form says."""
    statuses = tuple(each for each in dict.fromkeys(fields.all("status")) if each in STATUSES)
    return Sending(
        since=fields.get("since"),
        until=fields.get("until"),
        rate=fields.get("rate") or str(USUAL_PER_S),
        again=fields.get("again") == _CHECKED,
        statuses=(statuses or (_FAILED,)) if kind is Kind.REPLAY else (),
        reason=fields.get("reason") if kind is Kind.REPLAY else "",
        type=fields.get("type"),
    )


def rate_of(sending: Sending, faults: Faults) -> int:
    """How many a second."""
    text = sending.rate
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= _MANY_DIGITS else 0
    if not LEAST_PER_S <= number <= MOST_PER_S:
        message = f"must be a whole number from {LEAST_PER_S} to {MOST_PER_S:,}"
        faults.add(Wrong(field="rate", code=Code.OUT_OF_RANGE, message=message))
    return number


def subject_of(sending: Sending, kind: Kind, now_ms: int, faults: Faults) -> Subject | None:
    """What is to be sent; None: faults say why not."""
    try:
        return _missed(sending, now_ms) if kind is Kind.RECOVER else _matching(sending, now_ms)
    except FieldInvalid as error:
        faults.add(*(replace(each, field=_FIELDS.get(each.field, each.field)) for each in error.wrong))
        return None


def _missed(sending: Sending, now_ms: int) -> Missed:
    if not sending.since:
        raise FieldInvalid(Wrong(field="since", code=Code.MISSING, message="is missing: say since when, as in 2h"))
    types = [sending.type] if sending.type else None
    recovery = Recovery.model_validate({"since": sending.since, "until": sending.until or None, "types": types})
    return missed_of(recovery, now_ms)


def _matching(sending: Sending, now_ms: int) -> Matching:
    wanted = ReplayFilter.model_validate(
        {
            "status": list(sending.statuses),
            "reason": [sending.reason] if sending.reason else [],
            "type": [sending.type] if sending.type else [],
            "since": sending.since or None,
            "until": sending.until or None,
        }
    )
    return matching_of(wanted, now_ms)


def earliest_ms(subscription: Subscription) -> int:
    """Where the first span begins that is offered of what a webhook missed."""
    return subscription.created_at_ms - _WEEK_MS


def spans_of(subscription: Subscription, kind: Kind, missed_since_ms: int) -> tuple[Span, ...]:
    """What is often meant. `missed_since_ms` says since when it missed something, of one that is sent nothing."""
    created = rfc3339(subscription.created_at_ms)
    found = [Span(key="send.span.hour", since="1h")]
    if kind is Kind.REPLAY:
        found.append(Span(key="send.span.day", since="24h"))
    elif subscription.status is not Status.ACTIVE:
        found.append(Span(key=f"send.span.{subscription.status}", since=rfc3339(missed_since_ms)))
    found.append(Span(key="send.span.created", since=created))
    if kind is Kind.RECOVER:
        before = rfc3339(earliest_ms(subscription))
        found.append(Span(key="send.span.before", since=before, until=created))
    return tuple(found)
