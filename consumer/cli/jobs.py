"""`hookline jobs`: replays and recoveries under way, an operator's way or a customer's (see `access.py`).

The law: what is printed is so; and under `--json` each job is what the API answers, one a line.
"""

import os
import sys
from itertools import islice
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter
from rich.text import Text

from consumer.cli.access import Access, jobs
from consumer.cli.flags import Id, Limit, checked_limit
from consumer.cli.job_port import Change, Told
from consumer.cli.job_view import code_of, ended, followed, left, print_job, reported, stages
from consumer.cli.output import print_json, print_table
from consumer.cli.webhook_port import Shown
from consumer.jobs.job import State
from consumer.json import Json

app = App(name="jobs", help="List, follow, start, pause and cancel replays and recoveries.")

AsJson = Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase; of several, one a line.")]
Wait = Annotated[bool, Parameter(help="Follow it until it ends.")]
OneOf = Literal["counting", "counted", "running", "paused", "done", "canceled", "failed"]
_COLUMNS: Final = ("CREATED", "ID", "KIND", "WEBHOOK", "STATE", "REASON", "SENT", "DELIVERED", "FAILED")
_STYLES: Final = {State.RUNNING: "green", State.PAUSED: "yellow", State.FAILED: "red"}


@app.command(name="list")
def list_(
    *,
    webhook: Annotated[str | None, Parameter(help="Only those of this webhook.")] = None,
    state: Annotated[OneOf | None, Parameter(help="Only those in this state.")] = None,
    limit: Limit = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """List jobs, the newest first. One is kept for 7 days after its end."""
    most = checked_limit(limit)
    with jobs(access) as reached:
        found = islice(reached.listed(webhook=webhook, state=None if state is None else State(state)), most)
        if json:
            for each in found:
                print_json(each)
        else:
            print_table(_COLUMNS, map(_row, found), empty="there are no such jobs")
    return os.EX_OK


@app.command
def show(job: Id, /, *, access: Access | None = None, json: AsJson = False) -> int:
    """Show how far a job is."""
    with jobs(access) as reached:
        print_job(reached.show(job), as_json=json)
    return os.EX_OK


@app.command
def start(
    job: Id,
    /,
    *,
    wait: Wait = True,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Start a job that was counted (by --dry-run), and follow it."""
    return _going(job, Change.START, access, wait=wait, as_json=json)


@app.command
def resume(
    job: Id,
    /,
    *,
    wait: Wait = True,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Let a job go on that was paused, or paused itself, and follow it."""
    return _going(job, Change.RESUME, access, wait=wait, as_json=json)


@app.command
def pause(job: Id, /, *, access: Access | None = None, json: AsJson = False) -> int:
    """Pause a job. What it has sent goes on."""
    return _changed(job, Change.PAUSE, access, as_json=json)


@app.command
def cancel(job: Id, /, *, access: Access | None = None, json: AsJson = False) -> int:
    """End a job for good. What it has sent goes on."""
    return _changed(job, Change.CANCEL, access, as_json=json)


@app.command
def watch(job: Id, /, *, access: Access | None = None, json: AsJson = False) -> int:
    """Follow a job until it ends, or waits. JSON is a line each time that it has come further."""
    with jobs(access) as reached:
        first = reached.show(job)
        try:
            if not json:
                return ended(reached, followed(reached, Told(job=first)), as_json=False)
            last: Shown = {}
            for stage in stages(reached, first):
                if stage != last:
                    print_json(stage)
                    sys.stdout.flush()
                last = stage
        except KeyboardInterrupt:
            return left(reached, first)
        return code_of(last)


def _going(job: str, change: Change, access: Access | None, *, wait: bool, as_json: bool) -> int:
    with jobs(access) as reached:
        return reported(reached, reached.change(job, change), wait=wait, as_json=as_json)


def _changed(job: str, change: Change, access: Access | None, *, as_json: bool) -> int:
    with jobs(access) as reached:
        print_job(reached.change(job, change).job, as_json=as_json)
    return os.EX_OK


def _row(job: Shown) -> tuple[str | Text, ...]:
    state = State(str(job["state"]))
    counts = job.get("counts")
    figures: dict[str, Json] = counts if isinstance(counts, dict) else {}
    told = (*(job.get(name) for name in ("createdAt", "id", "kind", "webhook")),)
    rest = (job.get("reason"), *(figures.get(name) for name in ("sent", "delivered", "failed")))
    return (*map(_text, told), Text(state, style=_STYLES.get(state, "")), *map(_text, rest))


def _text(value: Json) -> str:
    return "" if value is None else str(value)
