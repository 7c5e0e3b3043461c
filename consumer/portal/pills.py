"""States as pages show them: a word, a symbol and a colour, never the colour alone. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from consumer.log.entry import Ended, Trigger
from consumer.log.health import Health
from consumer.portal.statistics import Day
from consumer.webhooks.subscription import Status

FAILING_FROM: Final = 3
"""So many requests in a row that were not accepted."""
_UNSTEADY_OVER: Final = 0.05


class Tone(StrEnum):
    """What a state means for whoever looks at it."""

    OK = "ok"
    BAD = "bad"
    WARN = "warn"
    OFF = "off"
    INFO = "info"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pill:
    """`key` is its word's."""

    tone: Tone
    key: str


class Condition(StrEnum):
    """How an endpoint does."""

    HEALTHY = "healthy"
    UNSTEADY = "unsteady"
    FAILING = "failing"
    UNTRIED = "untried"
    UNKNOWN = "unknown"


_STATUSES: Final[Mapping[Status, Pill]] = {
    Status.ACTIVE: Pill(tone=Tone.PLAIN, key="status.active"),
    Status.PAUSED: Pill(tone=Tone.OFF, key="status.paused"),
    Status.SUSPENDED: Pill(tone=Tone.BAD, key="status.suspended"),
}
STOPPED: Final = Pill(tone=Tone.WARN, key="stopped.pill")
"""Keys of its order have stopped."""
_CONDITIONS: Final[Mapping[Condition, Tone]] = {
    Condition.HEALTHY: Tone.OK,
    Condition.UNSTEADY: Tone.WARN,
    Condition.FAILING: Tone.BAD,
    Condition.UNTRIED: Tone.OFF,
    Condition.UNKNOWN: Tone.OFF,
}
_ENDED: Final[Mapping[Ended, Pill]] = {
    Ended.DELIVERED: Pill(tone=Tone.OK, key="ended.delivered"),
    Ended.RETRY: Pill(tone=Tone.WARN, key="ended.retrying"),
    Ended.DEAD: Pill(tone=Tone.BAD, key="ended.failed"),
}
_TRIGGERS: Final[Mapping[Trigger, str]] = {
    Trigger.TEST: "trigger.test",
    Trigger.REPLAY: "trigger.again",
    Trigger.RESEND: "trigger.again",
    Trigger.RECOVER: "trigger.recovered",
}


def of_status(status: Status) -> Pill:
    """Of a webhook's status."""
    return _STATUSES[status]


def of_condition(condition: Condition) -> Pill:
    """Of an endpoint's condition."""
    return Pill(tone=_CONDITIONS[condition], key=f"health.{condition}")


def of_end(ended: Ended) -> Pill:
    """Of what came of an attempt, and so of a delivery whose latest attempt it is."""
    return _ENDED[ended]


def of_trigger(trigger: Trigger) -> Pill | None:
    """Why it was made, where that is worth a word."""
    key = _TRIGGERS.get(trigger)
    return None if key is None else Pill(tone=Tone.INFO, key=key)


def condition(health: Health | None, day: Day | None) -> Condition:
    """How an endpoint does, of what is known of it."""
    if health is None:
        return Condition.UNKNOWN
    if health.last_status is None:
        return Condition.UNTRIED
    if health.errors_since_last_success >= FAILING_FROM:
        return Condition.FAILING
    if day is not None and day.failed > _UNSTEADY_OVER * (day.failed + day.delivered):
        return Condition.UNSTEADY
    return Condition.HEALTHY
