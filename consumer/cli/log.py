"""`hookline log`: every attempt and what came of it, an operator's way or a customer's (see `access.py`).

The law: what events, endpoints and customers wrote commands no terminal, and under `--json` each row is what the API
answers, one a line.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from consumer.api.log_export import COLUMNS, cells, lines
from consumer.cli.access import Access, log
from consumer.cli.flags import Limit, checked_limit
from consumer.cli.log_flags import LogFlags, asked_of
from consumer.cli.output import print_explanation, print_fields, print_json, print_table
from consumer.cli.webhook_port import Shown
from consumer.delivery.delivery import is_delivery_id
from consumer.json import Json
from consumer.log.query import View
from consumer.telemetry.printable import printable, printable_lines

app = App(name="log", help="List, look at, follow, search and export what was sent, and what was answered.")

AsJson = Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase; of several, one a line.")]
Deliveries = Annotated[bool, Parameter(negative=(), help="A row for each delivery, at its latest attempt.")]
_EVERY_S: Final = 1.0
_HEAD: Final = ("time", "outcome", "type", "answer", "ms", "try", "webhook", "id")
_INSIDE: Final = frozenset({"request", "response", "explanation", "attemptsKept", "lastAttempt", "object", "curl"})


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
    if json:
        print_json(shown)
        return os.EX_OK
    print_fields({name: value for name, value in shown.items() if name not in _INSIDE})
    print_explanation(shown.get("explanation"))
    for part in ("request", "response"):
        _print_message(part, shown.get(part))
    kept = shown.get("attemptsKept")
    if isinstance(kept, list):
        sys.stdout.write("\n")
        _print([each for each in kept if isinstance(each, dict)], as_json=False)
    return os.EX_OK


@app.command
def export(
    *,
    which: LogFlags | None = None,
    format_: Annotated[Literal["csv", "jsonl"], Parameter(name="--format", help="What is written.")] = "csv",
    limit: Limit = None,
    access: Access | None = None,
    json: Annotated[bool, Parameter(negative=(), help="The same as --format jsonl.")] = False,
) -> int:
    """Write attempts to standard output, the newest first."""
    most = checked_limit(limit)
    with log(access) as reached:
        found = islice(reached.listed(View.ATTEMPTS, asked_of(which)), most)
        if json or format_ == "jsonl":
            for row in found:
                print_json(row)
        else:
            first = next(found, None)  # a log that cannot be read has no head either
            sys.stdout.write(lines([list(COLUMNS)]).decode())
            for row in () if first is None else chain([first], found):
                sys.stdout.write(lines([cells(row)]).decode())
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


def _print_message(name: str, message: Json) -> None:
    """A request or an answer: its headers and its body."""
    if not isinstance(message, dict):
        return
    sys.stdout.write(f"\n{name}\n")
    for header in _headers(message.get("headers")):
        sys.stdout.write(f"  {printable(header)}\n")
    body = message.get("body")
    if isinstance(body, str) and body:
        note = " (base64)" if message.get("bodyEncoding") == "base64" else ""
        sys.stdout.write(f"\n{printable_lines(body)}{note}\n")
    if message.get("cut"):
        sys.stdout.write(f"… {message['bodyBytes']} bytes in all\n")


def _headers(headers: Json) -> Iterator[str]:
    for each in headers if isinstance(headers, list) else ():
        if isinstance(each, dict):
            yield f"{each.get('name')}: {each.get('value')}"
