"""What an answer means for its delivery.

The laws: an answer is read once, and has one outcome, decided by what it asks, the delivery and the schedule alone;
nothing that an endpoint can write into an answer makes any of this raise.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.delivery.delivery import Delivery
from consumer.delivery.retry_after import asked_ms
from consumer.delivery.schedule import Schedule

GONE = 410
_SUCCESS = range(200, 300)
TOO_MANY: Final = 429
_SLOW_DOWN = frozenset({TOO_MANY, 502, 503, 504})
_UNREACHABLE = frozenset({FailureKind.CONNECT, FailureKind.TLS, FailureKind.RESET, FailureKind.TIMEOUT})


class DeathReason(StrEnum):
    """Why a delivery was dead-lettered."""

    EXHAUSTED = "exhausted"  # every attempt failed
    EXPIRED = "expired"  # it failed until its time was over, attempts left or not
    GONE = "gone"  # the endpoint answered 410
    RETRIES_NONE = "retries_none"  # the webhook wants no retries
    SUSPENDED = "suspended"  # the webhook had been suspended
    WAITED = "waited"  # its turn did not come in time
    BLOCKED = "blocked"  # it had stopped its key, and was dropped
    TOO_LARGE = "too_large"  # it should have waited, and does not fit in a delay topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The endpoint answered 2xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """To the delay topic of this tier."""

    tier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """To the dead-letter topic; `suspend` suspends the subscription as well."""

    reason: DeathReason
    suspend: bool = False


Outcome: TypeAlias = Delivered | Retry | Dead

DELIVERED = Delivered()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an answer says and asks of us, read once: whoever decides by an answer decides by this."""

    heard: bool  # an HTTP answer came
    success: bool = False
    gone: bool = False
    slow_down: bool = False
    too_many: bool = False  # 429 (RFC 6585)
    unreachable: bool = False
    retry_after_ms: int | None = None


_ACCEPTED = Asked(heard=True, success=True)


def read(answer: Answer, now_ms: int) -> Asked:
    """Read an answer that came at `now_ms`."""
    if isinstance(answer, Failure):
        return Asked(heard=False, unreachable=is_unreachable(answer))
    if answer.status in _SUCCESS:
        return _ACCEPTED
    return Asked(
        heard=True,
        gone=answer.status == GONE,
        slow_down=asks_to_slow_down(answer),
        too_many=answer.status == TOO_MANY,
        retry_after_ms=retry_after_ms(answer, now_ms),
    )


def decide(
    asked: Asked, delivery: Delivery, schedule: Schedule, *, retries: bool, started_ms: int, now_ms: int
) -> Outcome:
    """The outcome of attempt number `delivery.attempts` + 1, begun at `started_ms`, whose answer asked this of us.

    A retry whose tier ends after the delivery's time takes the longest shorter one that does not: until then the
    endpoint may come back. No retry comes sooner than a Retry-After asked.
    """
    if asked.success:
        return DELIVERED
    if asked.gone:
        return Dead(reason=DeathReason.GONE, suspend=True)
    if not retries:
        return Dead(reason=DeathReason.RETRIES_NONE)
    tier = schedule.after_failure(delivery.attempts + 1)
    if tier is None:
        return Dead(reason=DeathReason.EXHAUSTED)
    least = schedule.covering(asked.retry_after_ms or 0, above=0)
    left_ms = schedule.tried_until_ms(delivery, started_ms) - now_ms
    fitting = schedule.fitting(delivery.id, left_ms, least=least, most=max(tier, least))
    return Dead(reason=DeathReason.EXPIRED) if fitting is None else Retry(tier=fitting)


def retry_after_ms(answer: Answer, now_ms: int) -> int | None:
    """How long the endpoint asks us to wait; None for none or nonsense."""
    if isinstance(answer, Failure):
        return None
    value = next((value for name, value in answer.headers if name.lower() == "retry-after"), None)
    return None if value is None else asked_ms(value, now_ms)


def is_success(answer: Answer) -> bool:
    """Whether the endpoint accepted: any 2xx (RFC 9110 section 15.3)."""
    return not isinstance(answer, Failure) and answer.status in _SUCCESS


def asks_to_slow_down(answer: Answer) -> bool:
    """Whether the endpoint, or what stands before it, says that it has too much to do."""
    return not isinstance(answer, Failure) and answer.status in _SLOW_DOWN


def is_unreachable(answer: Answer) -> bool:
    """Whether no HTTP answer came, which a breaker takes for a failure."""
    return isinstance(answer, Failure) and answer.kind in _UNREACHABLE


def described(answer: Answer) -> str:
    """The answer in a few words, for dead letters and logs."""
    if isinstance(answer, Failure):
        return f"{answer.kind}: {answer.detail}" if answer.detail else str(answer.kind)
    return f"HTTP {answer.status}"
