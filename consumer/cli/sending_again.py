"""`hookline replay`, `recover` and `resend`: what a webhook did not get, sent to it again, by way of a job.

The law: each asks for a job and follows it. Ctrl-C leaves a job that the role runs to itself, and stops one that runs
here; either way it is said how to go on, or how to end it.
"""

import os
from collections.abc import Callable, Mapping
from typing import Annotated, Final

from cyclopts import Parameter

from consumer.cli.access import Access, jobs
from consumer.cli.attempt_view import print_attempt
from consumer.cli.exits import CommandFailed, bad_input, usage
from consumer.cli.flags import Id
from consumer.cli.job_flags import DeliveryFlags, PaceFlags, Several, pace_of
from consumer.cli.job_port import Change, JobPort, RecoveryWanted, ReplayWanted, Told, refused
from consumer.cli.job_view import ended, followed, left, print_job, reported
from consumer.cli.webhook_port import Shown
from consumer.jobs.job import Skip, State
from consumer.replay.plan import Place

AsJson = Annotated[bool, Parameter(negative=(), help="The job as JSON, in the API's camelCase.")]
Wait = Annotated[bool, Parameter(help="Follow the job until it ends.")]

_AGAIN: Final = "ask with --again if it is to be sent once more"
_NOT_SENT: Final[Mapping[str, str]] = {
    Skip.DELIVERED: f"it was accepted: {_AGAIN}",
    Skip.ALREADY_REPLAYED: f"it was sent again before: {_AGAIN}",
    Skip.REPLAY_LIMIT: "it was sent again as often as may be (HOOKLINE_MAX_REPLAYS)",
    Skip.WAITING: "it is on its way: an attempt of it is still to come",
}


def replay(
    webhook: Id,
    /,
    *,
    which: DeliveryFlags | None = None,
    pace: PaceFlags | None = None,
    position: Annotated[
        Place, Parameter(help="Of an ordered webhook: before what waits of its key, or after it.")
    ] = Place.BEFORE,
    wait: Wait = True,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Send deliveries of a webhook again: those that failed, or those that are chosen."""
    given = which or DeliveryFlags()
    wanted = ReplayWanted(
        deliveries=tuple(given.delivery or ()),
        status=tuple(given.status or ()),
        code=tuple(given.code or ()),
        reason=tuple(given.reason or ()),
        type=tuple(given.type or ()),
        since=given.since,
        until=given.until,
        position=position,
        pace=pace_of(pace),
    )
    if wanted.deliveries and wanted.matches:
        raise usage("give --delivery, or flags that choose, not both", field="--delivery")
    return _job(access, lambda reached: reached.replay(webhook, wanted), wait=wait, as_json=json)


def recover(
    webhook: Id,
    /,
    *,
    since: Annotated[
        str, Parameter(help="Events from then on: 2026-01-31T12:00:00Z, 2026-01-31, or 2h for two hours ago.")
    ],
    until: Annotated[str | None, Parameter(help="Events before then. Default: now.")] = None,
    type_: Annotated[
        Several, Parameter(name="--type", negative=(), help="Only of this event type, or prefix.*. May be repeated.")
    ] = None,
    pace: PaceFlags | None = None,
    wait: Wait = True,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Send a webhook the events that it missed: because of failures, of a pause, or from before it was there."""
    wanted = RecoveryWanted(since=since, until=until, types=tuple(type_ or ()), pace=pace_of(pace))
    return _job(access, lambda reached: reached.recover(webhook, wanted), wait=wait, as_json=json)


def resend(
    delivery: Id,
    /,
    *,
    again: Annotated[bool, Parameter(negative=(), help="Also if it was accepted, or was sent again before.")] = False,
    now: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Make one attempt at once and print its answer, also of a webhook that is paused or suspended. Exits "
            "with 0 for an answer of 2xx, else with 69.",
        ),
    ] = False,
    webhook: Annotated[str | None, Parameter(help="Whose it is: then it is found sooner.")] = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Send one delivery again, to its own webhook: the same event and body, signed anew."""
    with jobs(access) as reached:
        if now:
            attempt = reached.resend_now(delivery, webhook=webhook, again=again)
            print_attempt(attempt, as_json=json)
            return os.EX_OK if attempt.get("outcome") == "delivered" else os.EX_UNAVAILABLE
        told = reached.resend(delivery, webhook=webhook, again=again)
        try:
            told = followed(reached, told)
        except KeyboardInterrupt:
            return left(reached, told.job)
        if told.stopped:
            return ended(reached, told, as_json=json)
        _check_sent(reached, told.job)
        print_job(told.job, as_json=json)
    return os.EX_OK


def _job(access: Access | None, ask: Callable[[JobPort], Told], *, wait: bool, as_json: bool) -> int:
    with jobs(access, of_a_webhook=True) as reached:
        return reported(reached, ask(reached), wait=wait, as_json=as_json)


def _check_sent(reached: JobPort, job: Shown) -> None:
    """Raises CommandFailed: the one delivery was not sent. One that paused is taken back: it must not come later."""
    state, counts = State(str(job["state"])), job.get("counts")
    figures = counts if isinstance(counts, Mapping) else {}
    if state is State.DONE and figures.get("sent"):
        return
    if state is State.DONE:
        raise _not_sent(figures.get("skipped"))
    if state is State.PAUSED:
        reached.change(str(job["id"]), Change.CANCEL)
    raise refused(str(job.get("detail") or f"the job is {state}, and nothing was sent"))


def _not_sent(skipped: object) -> CommandFailed:
    reasons = skipped if isinstance(skipped, Mapping) else {}
    why = next((_NOT_SENT[each] for each, number in reasons.items() if number and each in _NOT_SENT), None)
    if why is not None:
        return refused(why)
    return bad_input("what was sent is kept no longer, or cannot be told from others: publish the event anew")
