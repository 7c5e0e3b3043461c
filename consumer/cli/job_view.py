"""A job for a person: how it stands, and how it is followed until it ends, waits or is left to itself.

The law: the exit code says whether what was asked for was done. Who stops watching stops nothing, and is told so.
"""

import os
import time
from collections.abc import Iterator, Mapping
from typing import Final

from consumer.cli.exits import INTERRUPTED, say
from consumer.cli.job_port import JobPort, Told
from consumer.cli.output import print_fields, print_json, print_table
from consumer.cli.progress import job_bar
from consumer.cli.webhook_port import Shown
from consumer.jobs.job import State
from consumer.json import Json

_EVERY_S: Final = 1.0
_GOES_ON: Final = frozenset({State.COUNTING, State.RUNNING})
_CODES: Final[Mapping[State, int]] = {
    State.PAUSED: os.EX_TEMPFAIL,
    State.CANCELED: os.EX_TEMPFAIL,
    State.FAILED: os.EX_UNAVAILABLE,
}
_APART: Final = frozenset({"object", "filter", "counts", "counted", "sample", "made", "progress"})
_SAMPLE: Final = ("AT", "TYPE", "EVENT", "DELIVERY")


def followed(port: JobPort, told: Told) -> Told:
    """The job once it does not go on by itself: it has ended, or waits. Raises KeyboardInterrupt."""
    if told.stopped:
        return told
    with job_bar() as tell:
        job = told.job
        for job in stages(port, told.job):
            tell(job)
    return Told(job=job)


def stages(port: JobPort, job: Shown) -> Iterator[Shown]:
    """How the job stands, once a second, until it does not go on by itself."""
    yield job
    while State(str(job["state"])) in _GOES_ON:
        time.sleep(_EVERY_S)
        job = port.show(str(job["id"]))
        yield job


def ended(port: JobPort, told: Told, *, as_json: bool) -> int:
    """Print the job and what can be made of it now; returns the exit code of a command that followed it."""
    print_job(told.job, as_json=as_json)
    name, state = str(told.job["id"]), State(str(told.job["state"]))
    if told.stopped:
        say(f"stopped: it goes on when a role `jobs` runs, or with `hookline jobs resume {name}{port.way}`")
        say(f"end it with `hookline jobs cancel {name}{port.way}`")
        return INTERRUPTED
    if state is State.COUNTED:
        say(f"nothing was sent yet: start it with `hookline jobs start {name}{port.way}`")
    elif state is State.PAUSED:
        say(f"go on with `hookline jobs resume {name}{port.way}`")
        say(f"or end it with `hookline jobs cancel {name}{port.way}`")
    return code_of(told.job)


def reported(port: JobPort, told: Told, *, wait: bool, as_json: bool) -> int:
    """Follow a job until it does not go on, where `wait` asks for it, and print it; returns the command's exit code."""
    if not wait and not told.stopped:
        print_job(told.job, as_json=as_json)
        return os.EX_OK
    try:
        return ended(port, followed(port, told), as_json=as_json)
    except KeyboardInterrupt:
        return left(port, told.job)


def code_of(job: Shown) -> int:
    """The exit code of a command that followed the job to here."""
    return _CODES.get(State(str(job["state"])), os.EX_OK)


def left(port: JobPort, job: Shown) -> int:
    """Ctrl-C while it was followed."""
    name = str(job["id"])
    say(f"{name} goes on without you: see `hookline jobs watch {name}{port.way}`")
    say(f"end it with `hookline jobs cancel {name}{port.way}`")
    return INTERRUPTED


def print_job(job: Shown, *, as_json: bool) -> None:
    """One job."""
    if as_json:
        print_json(job)
        return
    print_fields({name: value for name, value in job.items() if name not in _APART} | _chosen(job) | _figures(job))
    sample = job.get("sample")
    if isinstance(sample, list) and sample:
        print_table(_SAMPLE, [_sampled(each) for each in sample if isinstance(each, Mapping)], empty="")


def _chosen(job: Shown) -> dict[str, Json]:
    chosen = job.get("filter")
    return {f"filter: {name}": value for name, value in chosen.items()} if isinstance(chosen, Mapping) else {}


def _figures(job: Shown) -> dict[str, Json]:
    """The count of one that was not started yet, else the counts of its run."""
    counting = State(str(job["state"])) in {State.COUNTING, State.COUNTED}
    counts = (job.get("counted") if counting else None) or job.get("counts")
    if not isinstance(counts, Mapping):
        return {}
    skipped = counts.get("skipped")
    left_out = skipped if isinstance(skipped, Mapping) else {}
    said = {name: value for name, value in counts.items() if name != "skipped"}
    if counting:  # nothing was sent yet
        would = _number(said.get("matched")) - sum(map(_number, left_out.values()))
        said = {"looked at": said.get("looked"), "matched": said.get("matched"), "would be sent": would}
    return said | {f"skipped: {name.replace('_', ' ')}": value for name, value in left_out.items()}


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _sampled(one: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple("" if one.get(name) is None else str(one[name]) for name in ("at", "type", "eventId", "delivery"))
