"""`hookline log`: every attempt and what came of it, an operator's way or a customer's (see `access.py`).

The law: what events, endpoints and customers wrote commands no terminal, and under `--json` each row is what the API
answers, one a line.
"""

import os
import sys
import time
from collections.abc import Iterable
from itertools import chain, islice
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from consumer.api.log_export import COLUMNS, cells, lines
from consumer.cli.access import Access, log
from consumer.cli.attempt_view import print_attempt
from consumer.cli.exits import usage
from consumer.cli.flags import Limit, checked_limit
from consumer.cli.log_flags import LogFlags, asked_of
from consumer.cli.output import print_json, print_table
from consumer.cli.webhook_port import Shown
from consumer.delivery.delivery import is_delivery_id
from consumer.json import Json
from consumer.log.query import View
from consumer.telemetry.printable import printable

app = App(name="log", help="List, look at, follow, search and export what was sent, and what was answered.")

AsJson = Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase; of several, one a line.")]
Deliveries = Annotated[bool, Parameter(negative=(), help="A row for each delivery, at its latest attempt.")]
_EVERY_S: Final = 1.0
_HEAD: Final = ("time", "outcome", "type", "answer", "ms", "try", "webhook", "id")


@app.command(name="list")
def list_(
    *,
    which: LogFlags | None = None,
    deliveries: Deliveries = False,
    limit: Limit = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """List attempts, the newest first."""
    most = checked_limit(limit)
    with log(access) as reached:
        found = islice(reached.listed(_view(deliveries), asked_of(which, status=deliveries)), most)
        _print(found, as_json=json)
    return os.EX_OK


@app.command
def search(
    text: str,
    /,
    *,
    which: LogFlags | None = None,
    limit: Limit = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """List the attempts whose request's or answer's body holds a text, the newest first.

    Parameters
    ----------
    text
        At least 3 characters, as they are written.
    """
    most = checked_limit(limit)
    with log(access) as reached:
        _print(islice(reached.listed(View.ATTEMPTS, asked_of(which, contains=text)), most), as_json=json)
    return os.EX_OK


@app.command
def tail(
    *,
    which: LogFlags | None = None,
    limit: Limit = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Print attempts as they are logged, until Ctrl-C."""
    most = checked_limit(limit)
    with log(access) as reached:
        for row in islice(reached.tail(View.ATTEMPTS, asked_of(which), lambda: time.sleep(_EVERY_S)), most):
            if json:
                print_json(row)
            else:
                sys.stdout.write("  ".join(map(printable, _cells(row))) + "\n")
            sys.stdout.flush()
    return os.EX_OK


@app.command
def show(
    id_: Annotated[str, Parameter(name="id", help="Of an attempt, or of a delivery.")],
    /,
    *,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Show an attempt, with its request and its answer; or a delivery, with its attempts."""
    with log(access) as reached:
        shown = reached.delivery(id_) if is_delivery_id(id_) else reached.attempt(id_)
    print_attempt(shown, as_json=json)
    kept = None if json else shown.get("attemptsKept")
    if isinstance(kept, list):
        sys.stdout.write("\n")
        _print([each for each in kept if isinstance(each, dict)], as_json=False)
    return os.EX_OK


@app.command
def export(
    *,
    which: LogFlags | None = None,
    format_: Annotated[
        Literal["csv", "jsonl"] | None, Parameter(name="--format", help="What is written. Default: csv.")
    ] = None,
    follow: Annotated[
        bool,
        Parameter(
            negative=(),
            help="What is logged from now on instead, as JSON lines, the oldest first, until Ctrl-C or --limit.",
        ),
    ] = False,
    limit: Limit = None,
    access: Access | None = None,
    json: Annotated[bool, Parameter(negative=(), help="The same as --format jsonl.")] = False,
) -> int:
    """Write attempts to standard output, the newest first; or what is logged from now on."""
    most, in_lines = checked_limit(limit), json or follow or format_ == "jsonl"
    if follow and format_ == "csv":
        raise usage("--follow writes JSON lines: leave --format csv out", field="--format")
    with log(access) as reached:
        if follow:
            for row in islice(reached.tail(View.ATTEMPTS, asked_of(which), lambda: time.sleep(_EVERY_S)), most):
                print_json(row)
                sys.stdout.flush()
            return os.EX_OK
        found = islice(reached.listed(View.ATTEMPTS, asked_of(which)), most)
        if in_lines:
            for row in found:
                print_json(row)
        else:
            first = next(found, None)  # a log that cannot be read has no head either
            sys.stdout.write(lines([list(COLUMNS)]).decode())
            for row in () if first is None else chain([first], found):
                sys.stdout.write(lines([[*map(printable, cells(row))]]).decode())
    return os.EX_OK


def _view(deliveries: bool) -> View:  # the flag itself
    return View.DELIVERIES if deliveries else View.ATTEMPTS


def _print(rows: Iterable[Shown], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print_json(row)
    else:
        print_table(_HEAD, map(_cells, rows), empty="nothing in the log matches")


def _cells(row: Shown) -> list[str]:
    """A row for a person: of a delivery, its latest attempt, under the delivery's id and status."""
    last = row.get("lastAttempt")
    attempt: Shown = last if isinstance(last, dict) else row
    answer = attempt.get("status") or attempt.get("failure")
    told: tuple[Json, ...] = (
        attempt.get("at"),
        row.get("outcome") or row.get("status"),
        row.get("type"),
        answer,
        attempt.get("elapsedMs"),
        row.get("number") or row.get("attempts"),
        row.get("webhook"),
        row.get("id"),
    )
    return ["" if each is None else str(each) for each in told]
