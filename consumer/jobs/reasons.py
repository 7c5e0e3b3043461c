"""Why a job waits, failed or was refused, in words for its customer: one table for all who say it. Pure.

The law: every reason has one row; and what a customer reads tells nothing of what we are made of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consumer.jobs.conduct import BEHIND_AFTER_MS, FAILED_IN_A_ROW, HELD_BACK, UNFINISHED_OF_A_TENANT
from consumer.jobs.job import Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A reason as it is told. `code` is stable, `state` is that of a job that has this reason."""

    code: str
    state: State
    detail: str


def _row(reason: Reason, state: State, detail: str, *, code: str | None = None) -> tuple[Reason, Told]:
    return reason, Told(code=code or reason.value, state=state, detail=detail)


TABLE: Final[Mapping[Reason, Told]] = dict(
    (
        _row(Reason.BY_HAND, State.PAUSED, "It was paused. Resume it when it is to go on."),
        _row(
            Reason.ENDPOINT_FAILS,
            State.PAUSED,
            f"Its last {FAILED_IN_A_ROW} attempts failed, so it paused itself. Mend the endpoint, try it with a test "
            "event, and resume the job.",
        ),
        _row(Reason.WEBHOOK_PAUSED, State.PAUSED, "The webhook is paused. Resume the webhook, then the job."),
        _row(
            Reason.WEBHOOK_SUSPENDED,
            State.PAUSED,
            "The webhook is suspended. Mend the endpoint, resume the webhook, then the job.",
        ),
        _row(
            Reason.BEHIND,
            State.PAUSED,
            f"{HELD_BACK:,} of its deliveries wait to be tried, and none was for {BEHIND_AFTER_MS // 1_000} seconds, "
            "so it paused itself. Resume it when the endpoint takes more.",
        ),
        _row(Reason.WEBHOOK_DELETED, State.FAILED, "The webhook was deleted: there is nobody to send to."),
        _row(
            Reason.TOO_MANY,
            State.FAILED,
            "More has to be looked at than can be kept in mind at once. Ask for a shorter span, one after the other.",
        ),
        _row(
            Reason.KAFKA,
            State.FAILED,
            "Our storage does not have what it needs. Ask for it once more; if it fails again, tell whoever runs this.",
            code="storage",
        ),
        _row(
            Reason.BUG,
            State.FAILED,
            "An error of ours ended it, which whoever runs this finds in the log. Please report it.",
        ),
        _row(
            Reason.SAME_JOB,
            State.REFUSED,
            "The same is under way as another job. Wait until that one ends, or ask with `again`.",
        ),
        _row(
            Reason.ONE_RUNNING,
            State.REFUSED,
            "Another job runs for this webhook, or is paused. Wait until it ends, or cancel it.",
        ),
        _row(
            Reason.TOO_MANY_JOBS,
            State.REFUSED,
            f"There are {UNFINISHED_OF_A_TENANT} jobs that have not ended. Wait until one does, or cancel one.",
        ),
    )
)


def told(reason: Reason) -> Told:
    """The reason as it is told."""
    return TABLE[reason]
