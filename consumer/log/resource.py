"""Deliveries and attempts as JSON: what the API answers and the command line prints. Pure.

The laws:
- a host that does not exist and one that leads inside are told alike, and without how long that took;
- a next try is told as "not before", and never as a moment that is over;
- the bodies are told to nobody who may not see them, and the values of the customer's own headers to nobody;
- a body that the log does not keep is never shown as an empty one.
"""

import base64
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from consumer.brands.brand import Brand
from consumer.delivery.answer import FailureKind
from consumer.delivery.delivery import Attempt, Bodies, DeadLetter
from consumer.delivery.words import NOT_PUBLIC
from consumer.json import Json
from consumer.log.archive import Kept
from consumer.log.attempt_id import attempt_id
from consumer.log.entry import Ended
from consumer.log.explanation import Explanation, of_attempt, of_death
from consumer.log.query import Row
from consumer.signing.signature import signature_of
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.placeholders import REDACTED

NO_PUBLIC_ADDRESS: Final = "no_public_address"
"""What both kinds of failure are called that would tell of our name service or of our network."""
BODY_MOST_BYTES: Final = 65_536
"""More of a body is told by its download alone."""
OVERDUE_AFTER_MS: Final = 30_000

STATUSES: Final[Mapping[Ended, str]] = {
    Ended.DELIVERED: "delivered",
    Ended.RETRY: "retrying",
    Ended.DEAD: "failed",
}
OUTCOMES: Final[Mapping[Ended, str]] = {Ended.DELIVERED: "delivered", Ended.RETRY: "retry", Ended.DEAD: "dead"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """The delay topics, `0s` first: their names, and how long each delays."""

    names: tuple[str, ...]
    delays_ms: tuple[int, ...]
    retry_for_ms: int

    def after(self, tier: int | None, at_ms: int) -> int | None:
        """When what was written to this tier then comes back, at the earliest; None: nobody knows."""
        return at_ms + self.delays_ms[tier] if tier is not None and tier < len(self.delays_ms) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is seen of an attempt, and when. `bodies`: where they may be seen.

    `kept_for_ms` is how long the topic keeps a record, None where nobody knows, or it keeps all.
    """

    tiers: Tiers
    now_ms: int
    bodies: bool
    brand: Brand
    kept_for_ms: int | None = None


def attempt_row(row: Row, sight: Sight, *, followed: bool | None = None) -> dict[str, Json]:
    """A row of the list of attempts.

    `followed` is whether its delivery was attempted again after it; None where nobody looked.
    """
    entry = row.entry
    failure = None if entry.status is not None else told_failure(entry.failure)
    return {
        "id": attempt_id(partition=row.partition, offset=entry.offset, delivery_id=entry.delivery),
        "object": "attempt",
        "delivery": entry.delivery,
        "webhook": row.webhook,
        "eventId": entry.event_id,
        "type": entry.event_type,
        "number": entry.number,
        "trigger": entry.trigger.name.lower(),
        "outcome": OUTCOMES[entry.ended],
        "status": entry.status,
        "failure": failure,
        "reason": entry.reason or None,
        "elapsedMs": None if failure == NO_PUBLIC_ADDRESS else entry.elapsed_ms,
        "at": rfc3339(entry.begun_ms),
        **_next(_next_ms(row, sight.tiers), sight.now_ms, followed=followed),
    }


def delivery_row(row: Row, sight: Sight) -> dict[str, Json]:
    """A row of the list of deliveries: `row` is its latest attempt."""
    entry = row.entry
    return {
        "id": entry.delivery,
        "object": "delivery",
        "webhook": row.webhook,
        "eventId": entry.event_id,
        "type": entry.event_type,
        "status": STATUSES[entry.ended],
        "trigger": entry.trigger.name.lower(),
        "attempts": entry.number,
        "firstAttemptAt": None if entry.first_ms is None else rfc3339(entry.first_ms),
        "reason": entry.reason or None,
        "job": entry.job_id or None,
        "lastAttempt": attempt_row(row, sight, followed=False),
        **_next(_next_ms(row, sight.tiers), sight.now_ms, followed=False),
    }


def delivery_told(rows: Sequence[Row], sight: Sight, *, replay_of: str | None = None) -> dict[str, Json]:
    """A delivery, by the rows of its attempts, of which there is one at least.

    `replay_of` is the delivery that it sends again.
    """
    ordered = sorted(rows, key=lambda row: (row.entry.number, row.entry.logged_ms))
    latest = ([row for row in ordered if not row.entry.changes_nothing] or ordered)[-1]
    entry = latest.entry
    why = explanation_of(entry.status, None if entry.status is not None else entry.failure, entry.reason)
    return {
        **delivery_row(latest, sight),
        "replayOf": replay_of,
        "explanation": told(why),
        "attemptsKept": [attempt_row(row, sight, followed=row is not latest) for row in ordered],
    }


def attempt_detail(kept: Kept, sight: Sight) -> dict[str, Json]:
    """All that the log holds of an attempt."""
    attempt = kept.attempt
    hidden = attempt.failure in NOT_PUBLIC
    tier = sight.tiers.names.index(attempt.next_tier) if attempt.next_tier in sight.tiers.names else None
    ends = tuple(_schedule(attempt, tier, kept.logged_ms, sight.tiers))
    schedule: list[Json] = [{"number": number, "notBefore": rfc3339(at_ms)} for number, at_ms in ends]
    return {
        "id": attempt_id(partition=kept.partition, offset=kept.offset, delivery_id=attempt.delivery_id),
        "object": "attempt",
        "delivery": attempt.delivery_id,
        "webhook": attempt.subscription_id,
        "eventId": attempt.event_id,
        "type": attempt.event_type,
        "product": attempt.product,
        "eventAt": rfc3339(attempt.event_time_ms),
        "number": attempt.number,
        "trigger": attempt.trigger,
        "job": attempt.job_id,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "failure": None if attempt.failure is None else told_failure(attempt.failure),
        "reason": attempt.reason,
        "elapsedMs": None if hidden else round(attempt.elapsed_ms, 1),
        "at": rfc3339(attempt.at_ms),
        "url": attempt.url,
        "request": _request(attempt, sight),
        "response": _response(attempt, sight),
        "timing": _timing(attempt, hidden=hidden),
        "signature": _signature(attempt, sight.brand),
        "schedule": schedule,
        "explanation": told(explanation_of(attempt.status, attempt.failure, attempt.reason)),
        "keptUntil": None if sight.kept_for_ms is None else rfc3339(kept.logged_ms + sight.kept_for_ms),
        "curl": curl(attempt) if sight.bodies and _is_small_and_whole(attempt) else None,
        **_next(ends[0][1] if ends else None, sight.now_ms, followed=None),
    }


def explanation_of(status: int | None, failure: str | None, reason: str | None) -> Explanation | None:
    """Why an attempt failed; where no attempt was made, why the delivery ended. None: it was accepted."""
    return of_death(reason or "") if status is None and failure is None else of_attempt(status, failure)


def explanation_of_dead(dead: DeadLetter) -> Explanation | None:
    """Why a delivery was given up: for more than its last attempt, or for that."""
    status, kind = dead.delivery.last_status, dead.detail.partition(":")[0]
    failure = kind if status is None and kind in {*FailureKind} else None
    return of_death(dead.reason) or of_attempt(status, failure)


def told(explanation: Explanation | None) -> Json:
    """An explanation as JSON."""
    if explanation is None:
        return None
    return {**asdict(explanation), "remedies": list(explanation.remedies)}


def told_failure(kind: str) -> str:
    """A kind of failure, as it is called outside."""
    return NO_PUBLIC_ADDRESS if kind in NOT_PUBLIC else kind


def kinds_of(word: str) -> frozenset[str]:
    """The kinds of failure that are called so outside."""
    return frozenset(NOT_PUBLIC) if word == NO_PUBLIC_ADDRESS else frozenset({word} - NOT_PUBLIC)


FAILURES: Final = tuple(dict.fromkeys(told_failure(kind) for kind in FailureKind))
"""Every kind of failure, as it is called outside."""


def curl(attempt: Attempt) -> str:
    """A command for a shell that sends the same bytes again; headers whose values are not kept are left out."""
    headers = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in attempt.request_headers if value != REDACTED]
    body = attempt.request_body
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    # What a page shows as a symbol would be copied as one, and a terminal may obey a control character.
    plain = text.replace("\n", "").isprintable()
    fed = f"printf %s {shlex.quote(text) if plain else f'{base64.b64encode(body).decode()} | base64 -d'}"
    sent = ["curl -sS -i -g --path-as-is -X POST", *headers, "--data-binary @-", shlex.quote(attempt.url)]
    return f"{fed} | {' '.join(sent)}"


def _next_ms(row: Row, tiers: Tiers) -> int | None:
    entry = row.entry
    return tiers.after(entry.tier, entry.logged_ms) if entry.ended is Ended.RETRY else None


def _next(at_ms: int | None, now_ms: int, *, followed: bool | None) -> dict[str, Json]:
    late = at_ms is not None and now_ms >= at_ms + OVERDUE_AFTER_MS
    return {
        "nextAttemptAt": rfc3339(at_ms) if at_ms is not None and at_ms > now_ms else None,
        "overdue": late and (None if followed is None else not followed),
    }


def _schedule(attempt: Attempt, tier: int | None, at_ms: int, tiers: Tiers) -> list[tuple[int, int]]:
    """The tries that follow if each fails, and when each is made at the earliest."""
    if tier is None:
        return []
    until_ms = (attempt.first_attempt_ms or attempt.at_ms) + tiers.retry_for_ms
    found: list[tuple[int, int]] = []
    for number, delay_ms in enumerate(tiers.delays_ms[tier:], attempt.number + 1):
        at_ms += delay_ms
        if at_ms >= until_ms and found:
            break
        found.append((number, at_ms))
    return found


def _request(attempt: Attempt, sight: Sight) -> dict[str, Json]:
    return {
        "method": "POST",
        "headers": _headers(attempt.request_headers),
        "contentType": attempt.content_type,
        **_body(attempt.request_body, request_kept(attempt), sight),
    }


def _response(attempt: Attempt, sight: Sight) -> Json:
    if attempt.status is None:
        return None
    return {
        "status": attempt.status,
        "headers": _headers(attempt.response_headers),
        "truncated": attempt.response_truncated,
        **_body(attempt.response_body, response_kept(attempt), sight),
    }


def _signature(attempt: Attempt, brand: Brand) -> Json:
    found = signature_of(attempt.request_headers, brand)
    if found is None:
        return None
    return {
        "profile": found.profile.value,
        "header": found.header,
        "signedContent": found.over,
        "signedWith": "current" if found.signatures == 1 else "both",
    }


def _headers(headers: Sequence[tuple[str, str]]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in headers]


def request_kept(attempt: Attempt) -> Bodies:
    """What the log has of the request's body. A word of a later version means that it is not the whole."""
    return Bodies(attempt.bodies) if attempt.bodies in {*Bodies} else Bodies.NONE


def response_kept(attempt: Attempt) -> Bodies:
    """What the log has of the answer's body: all that was ever kept of answers, or nothing."""
    kept = request_kept(attempt)
    return Bodies.NONE if kept is Bodies.REDACTED else kept


def _is_small_and_whole(attempt: Attempt) -> bool:
    return request_kept(attempt) is Bodies.WHOLE and len(attempt.request_body) <= BODY_MOST_BYTES


def _body(body: bytes, kept: Bodies, sight: Sight) -> dict[str, Json]:
    """`body` is null where it may not be seen, or is not kept; `cut` where it goes on in the download."""
    if not kept.there:
        return {"body": None, "bodyEncoding": None, "bodyBytes": None, "bodyKept": kept.value, "cut": False}
    shown = body[:BODY_MOST_BYTES]
    cut = len(shown) < len(body)
    try:
        text, encoding = shown.decode(), "utf-8"
    except UnicodeDecodeError as error:
        if cut and error.reason == "unexpected end of data":  # a character was cut, which is text all the same
            text, encoding = shown[: error.start].decode(), "utf-8"
        else:
            text, encoding = base64.b64encode(shown).decode(), "base64"
    return {
        "body": text if sight.bodies else None,
        "bodyEncoding": encoding if sight.bodies else None,
        "bodyBytes": len(body),
        "bodyKept": kept.value,
        "cut": cut,
    }


def _timing(attempt: Attempt, *, hidden: bool) -> dict[str, Json]:
    times = (
        (None,) * 5
        if hidden
        else (
            attempt.dns_ms,
            attempt.connect_ms,
            attempt.tls_ms,
            attempt.first_byte_ms,
            attempt.elapsed_ms,
        )
    )
    names = ("dnsMs", "connectMs", "tlsMs", "firstByteMs", "totalMs")
    timed: dict[str, Json] = {name: None if ms is None else round(ms, 3) for name, ms in zip(names, times, strict=True)}
    return timed | {"newConnection": None if timed["firstByteMs"] is None else attempt.connect_ms is not None}
