"""How commands print: tables for people, JSON for scripts.

The law: under `--json` standard output holds JSON and nothing else, one object or one a line. Everything else a person
should know goes to standard error. What events, endpoints and customers wrote is escaped: it commands no terminal.
"""

import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.cli.exits import encoded
from consumer.json import Json
from consumer.telemetry.printable import printable
from consumer.webhooks.subscription import Status

STATUS_STYLES: Final[Mapping[Status, str]] = {
    Status.ACTIVE: "green",
    Status.PAUSED: "yellow",
    Status.SUSPENDED: "red",
}
_PAGE: Final = 500
_WIDE: Final = 10_000


def print_json(value: Mapping[str, Json]) -> None:
    """One object, on a line of its own."""
    sys.stdout.write(encoded(value) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, empty: str) -> int:
    """A table in pages of 500 rows, so that memory stays bounded; `empty` is said when there is none. Returns how many.

    What is printed into a file or a pipe is never cut to a width, nor filled up to one.
    """
    left = iter(rows)
    printed = 0
    for first in left:
        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in chain([first], islice(left, _PAGE - 1)):
            # As Text: what a customer wrote must not be read as markup.
            table.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
            printed += 1
        _print(table)
    if not printed:
        sys.stderr.write(empty + "\n")
    return printed


def print_fields(fields: Mapping[str, Json]) -> None:
    """One object for a person: a field a line, those without a value left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _lines(fields):
        table.add_row(Text(printable(name), style="bold"), Text(printable(value)))
    _print(table)


def _lines(fields: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """What a person reads of each field: a list of words without its marks, and the parts of a whole one by one."""
    for name, value in fields.items():
        if value is None or value in ("", [], {}):
            continue
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            yield name, ", ".join(map(str, value))
        elif isinstance(value, dict) and not any(isinstance(each, list | dict) for each in value.values()):
            yield from _lines({f"{name}.{part}": each for part, each in value.items()})
        else:
            yield name, encoded(value)


def print_explanation(explanation: Json) -> None:
    """Why something failed, for a person: what happened, whether it may have been received, what to do now."""
    if not isinstance(explanation, dict):
        return
    remedies = explanation["remedies"]
    assert isinstance(remedies, list)
    received = explanation["received"]
    lines = ["", f"{explanation['title']}. {explanation['cause']}"]
    if received is not None:
        lines.append(f"Received: {received}.")
    lines += [f"  - {each}" for each in remedies]
    sys.stdout.write("".join(printable(line) + "\n" for line in lines))


def _print(table: Table) -> None:
    if sys.stdout.isatty():
        Console().print(table)
        return
    drawn = io.StringIO()
    Console(file=drawn, width=_WIDE).print(table)
    sys.stdout.write("\n".join(line.rstrip() for line in drawn.getvalue().split("\n")))
