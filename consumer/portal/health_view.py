"""How an endpoint does, as its webhook's page tells it. Pure."""

from dataclasses import dataclass
from typing import Final

from consumer.log.health import Health
from consumer.portal import pills
from consumer.portal.log_rows import answered, duration
from consumer.portal.pills import Condition, Pill
from consumer.portal.sparkline import Sparkline
from consumer.portal.times import Moment, moment, moment_or_none
from consumer.portal.told import Listed, title_of
from consumer.standings.store import Backlog

_SHOWN_MOST: Final = 4
_NO_ANSWER: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """So many attempts were answered with this code; without one, no answer came."""

    code: str | None
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """So many attempts failed for this."""

    title: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """How its endpoint does. `of` is how many attempts the shares are of: the newest that are listed."""

    condition: Pill
    last_accepted: Moment | None
    last_answer: str
    last_answer_at: Moment | None
    average: str
    in_a_row: int | None
    waiting: int | None
    day: Sparkline | None
    of: int
    median: str
    slow: str
    answers: tuple[Answers, ...]
    failures: tuple[Failures, ...]


def health_view(
    now_ms: int,
    *,
    health: Health | None,
    backlog: Backlog | None,
    day: Sparkline | None,
    condition: Condition,
    listed: Listed | None,
) -> HealthView:
    """Of what is known of it. `listed` is None where the log cannot be read."""
    last = None if health is None else health.last_status
    codes, causes = ([], []) if listed is None else (listed.codes[:_SHOWN_MOST], listed.causes[:_SHOWN_MOST])
    return HealthView(
        condition=pills.of_condition(condition),
        last_accepted=moment_or_none(None if health is None else health.last_success_at_ms, now_ms),
        last_answer="" if last is None else answered(last.code, None, None).code if last.code else last.message,
        last_answer_at=None if last is None else moment(last.at_ms, now_ms),
        average=duration(None if health is None else health.avg_response_ms),
        in_a_row=None if health is None else health.errors_since_last_success,
        waiting=None if backlog is None else backlog.waiting,
        day=day,
        of=0 if listed is None else listed.attempts,
        median=duration(None if listed is None else listed.p50_ms),
        slow=duration(None if listed is None else listed.p95_ms),
        answers=tuple(
            Answers(code=None if each.code == _NO_ANSWER else each.code, number=each.attempts) for each in codes
        ),
        failures=tuple(Failures(title=title_of(each.cause), number=each.attempts) for each in causes),
    )
