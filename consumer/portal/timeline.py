"""What happened to a delivery, from its event on, and what follows. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consumer.portal.log_rows import Answered, answered, duration, ms_of
from consumer.portal.times import Moment, moment, moment_or_none, span
from consumer.portal.told import Attempt, AttemptRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One of its attempts. `waited` is how long after the one before it was made."""

    url: str
    number: int
    answer: Answered
    duration: str
    at: Moment
    waited: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A try that follows if each one before it fails."""

    number: int
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """`event` and `due` are None where no record tells them any more, `due` also where it was the event's own time.

    `late`: the next try is. `took` is the time from the event to the answer that ended it.
    """

    event: Moment | None
    due: Moment | None
    tries: tuple[Try, ...]
    planned: tuple[Planned, ...]
    late: bool
    took: str | None


def timeline(
    rows: Sequence[AttemptRow],
    latest: Attempt | None,
    due_ms: int | None,
    *,
    next_ms: int | None,
    late: bool,
    address: Callable[[str], str],
    now_ms: int,
) -> Timeline:
    """Of the attempts that are listed, oldest first, and the latest one whole, where it is kept."""
    at = [ms_of(each.at) or 0 for each in rows]
    event_ms = None if latest is None else ms_of(latest.event_at)
    planned = () if latest is None else planned_of(latest, now_ms)
    if not planned and next_ms is not None:
        planned = (Planned(number=rows[-1].number + 1, at=moment(next_ms, now_ms)),)
    return Timeline(
        event=moment_or_none(event_ms, now_ms),
        due=None if due_ms is None or event_ms is None or due_ms <= event_ms else moment(due_ms, now_ms),
        tries=tuple(
            Try(
                url=address(f"attempts/{each.id}"),
                number=each.number,
                answer=answered(each.status, each.failure, each.reason),
                duration=duration(each.elapsed_ms),
                at=moment(at[number], now_ms),
                waited=span(at[number] - at[number - 1]) if number else None,
            )
            for number, each in enumerate(rows)
        ),
        planned=planned,
        late=late,
        took=_took(rows[-1], at[-1], event_ms) if rows and event_ms is not None else None,
    )


def planned_of(told: Attempt, now_ms: int) -> tuple[Planned, ...]:
    """The tries that are still to come, if each one before fails."""
    if told.outcome != "retry":
        return ()
    times = [(each.number, ms_of(each.not_before) or 0) for each in told.schedule]
    return tuple(Planned(number=number, at=moment(at_ms, now_ms)) for number, at_ms in times if at_ms > now_ms)


def _took(last: AttemptRow, at_ms: int, event_ms: int) -> str | None:
    """Of one that was accepted; clocks of others may run ahead of ours."""
    if last.outcome != "delivered":
        return None
    return span(max(0, at_ms + round(last.elapsed_ms or 0) - event_ms))
