"""A webhook's health: what its attempts, one after the other, say of its endpoint. Pure.

The law: health is a fold of the attempts in the order of the log and of nothing else, so the same attempts give the
same health wherever and whenever they are read. Its size does not grow with them.

A test event touches none of it, nor does a delivery that is sent again *now*: a customer may try an endpoint as often
as he likes before he resumes it.

Two counts of failures differ in what ends them. `errors_since_last_success` ends with a success only.
`consecutive_failures` is how often in a row the endpoint *as it is now* failed: it begins anew with another URL and
with a resume too, and it is what a suspension goes by.
"""

import hashlib
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from consumer.delivery.answer import OURS
from consumer.delivery.delivery import Trigger, is_now
from consumer.delivery.words import NOT_PUBLIC, of_failure

AVERAGED_OVER: Final = 100
"""The average is the mean of the first so many answers; from then on each new one weighs one in so many.

A mean over all time would hide that an endpoint became slow, and a window would have to keep its answers; this takes
two numbers, follows a change within about as many answers, and shows what a person expects after the first few.
"""


class LastStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the last attempt ended. `code` is None where no HTTP answer came; `message` is for customers."""

    code: int | None
    message: str
    at_ms: int


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one webhook. Times are milliseconds since 1970, None where there is none yet.

    `failing_since_ms` is when the first of the `consecutive_failures` was sent. `answers` counts those averaged, up to
    AVERAGED_OVER; `endpoint` tells one URL from another without keeping it. `told_failing_ms` alone comes from no
    attempt: since when it fails, as its owner was told; None once he was told that this is over (see `failing.py`).

    A Struct, since one is made for each attempt: a frozen dataclass takes ten times as long.
    """

    avg_response_ms: float | None = None
    consecutive_failures: int = 0
    errors_since_last_success: int = 0
    last_response_ms: float | None = None
    last_success_at_ms: int | None = None
    last_status: LastStatus | None = None
    failing_since_ms: int | None = None
    last_attempt_at_ms: int = 0
    answers: int = 0
    endpoint: str = ""
    told_failing_ms: int | None = None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What health, statistics and jobs need of an attempt; see `delivery.Attempt`.

    `logged_ms` is its record's time: no attempt began after it, whatever the clock said of the process that made it.

    A Struct, since one is made for each attempt.
    """

    at_ms: int
    logged_ms: int
    url: str
    status: int | None
    failure: str | None
    elapsed_ms: float
    outcome: str
    number: int = 1
    trigger: str = Trigger.EVENT
    job_id: str | None = None

    @property
    def began_ms(self) -> int:
        """When it began, as far as that can be believed."""
        return min(self.at_ms, self.logged_ms)

    def __repr__(self) -> str:
        """Without the URL, which may hold a secret."""
        return f"Sent(at_ms={self.at_ms}, status={self.status}, failure={self.failure}, outcome={self.outcome})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # a Struct's own shows every field
        return [("at_ms", self.at_ms), ("status", self.status), ("failure", self.failure), ("outcome", self.outcome)]


_ENDPOINTS_REMEMBERED: Final = 4_096
_PHRASES: Final = {each.value: each.phrase for each in HTTPStatus}

NO_HEALTH: Final = Health()
"""Of a webhook that was never tried."""


def folded(health: Health, sent: Sent, *, counts_from_ms: int = 0) -> Health:
    """The health after one more attempt.

    `counts_from_ms` is when the webhook became active: failures of attempts sent before it are not held against it.
    """
    if sent.failure in OURS or sent.trigger == Trigger.TEST or is_now(sent.trigger, sent.job_id):
        return health
    health = _timed(health, sent)
    # When a look-up of a name ended would tell of our name service.
    ended_ms = sent.at_ms if sent.failure in NOT_PUBLIC else sent.at_ms + round(sent.elapsed_ms)
    status = LastStatus(code=sent.status, message=_message(sent), at_ms=ended_ms)
    endpoint = endpoint_of(sent.url)
    if sent.outcome == "delivered":
        return replace(
            health,
            consecutive_failures=0,
            errors_since_last_success=0,
            failing_since_ms=None,
            last_success_at_ms=ended_ms,
            last_status=status,
            last_attempt_at_ms=sent.at_ms,
            endpoint=endpoint,
        )
    failures, since_ms = health.consecutive_failures, health.failing_since_ms
    if since_ms is None or since_ms < counts_from_ms or endpoint != health.endpoint:
        failures, since_ms = 0, sent.at_ms
    counts = sent.at_ms >= counts_from_ms
    return replace(
        health,
        consecutive_failures=failures + 1 if counts else 0,
        errors_since_last_success=health.errors_since_last_success + 1,
        failing_since_ms=since_ms if counts else None,
        last_status=status,
        last_attempt_at_ms=sent.at_ms,
        endpoint=endpoint,
    )


@lru_cache(_ENDPOINTS_REMEMBERED)
def endpoint_of(url: str) -> str:
    """A URL's stand-in: it may hold a secret, and may be long."""
    return hashlib.blake2b(url.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _timed(health: Health, sent: Sent) -> Health:
    """Only an HTTP answer has a response time: how long nothing came says how long we waited."""
    if sent.status is None:
        return health
    answers = min(health.answers + 1, AVERAGED_OVER)
    average_ms = health.avg_response_ms or 0.0
    return replace(
        health,
        avg_response_ms=average_ms + (sent.elapsed_ms - average_ms) / answers,
        last_response_ms=sent.elapsed_ms,
        answers=answers,
    )


def _message(sent: Sent) -> str:
    return of_failure(sent.failure) if sent.status is None else _PHRASES.get(sent.status, "")
