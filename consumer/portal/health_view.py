"""How an endpoint does, as its webhook's page tells it. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consumer.log.health import Health
from consumer.log.query import Row
from consumer.log.resource import Sight, attempt_row
from consumer.portal import pills
from consumer.portal.log_rows import answered, duration
from consumer.portal.pills import Condition, Pill
from consumer.portal.sparkline import Sparkline
from consumer.portal.times import Moment, moment, moment_or_none
from consumer.standings.store import Backlog

_CODES_MOST: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """So many attempts were answered so."""

    answer: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """How its endpoint does. `of` is how many attempts the figures are made of."""

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
    answers: tuple[Count, ...]


def health_view(
    sight: Sight,
    *,
    health: Health | None,
    backlog: Backlog | None,
    day: Sparkline | None,
    condition: Condition,
    attempts: Sequence[Row],
) -> HealthView:
    """Of what is known of it, and of its latest attempts."""
    last = None if health is None else health.last_status
    took = sorted(row.entry.elapsed_ms for row in attempts if row.entry.status is not None)
    counts = Counter(_said(row, sight) for row in attempts)
    return HealthView(
        condition=pills.of_condition(condition),
        last_accepted=moment_or_none(None if health is None else health.last_success_at_ms, sight.now_ms),
        last_answer="" if last is None else answered(last.code, None, None).code if last.code else last.message,
        last_answer_at=None if last is None else moment(last.at_ms, sight.now_ms),
        average=duration(None if health is None else health.avg_response_ms),
        in_a_row=None if health is None else health.errors_since_last_success,
        waiting=None if backlog is None else backlog.waiting,
        day=day,
        of=len(attempts),
        median=duration(_share(took, 0.5)),
        slow=duration(_share(took, 0.95)),
        answers=tuple(Count(answer=answer, number=number) for answer, number in counts.most_common(_CODES_MOST)),
    )


def _said(row: Row, sight: Sight) -> str:
    told = attempt_row(row, sight)
    failure = told["failure"]
    said = answered(row.entry.status, failure if isinstance(failure, str) else None, row.entry.reason or None)
    return said.code or said.text


def _share(took: Sequence[int], share: float) -> int | None:
    return took[min(len(took) - 1, int(len(took) * share))] if took else None
