"""How commands print: tables for people, JSON for scripts.

The law: under `--json` standard output holds JSON and nothing else, one object or one a line, and what went wrong is
one JSON object on standard error. Everything else a person should know goes to standard error.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.brands.loader import BrandUnknown
from consumer.cli.exits import CommandFailed, bad_input, code_of
from consumer.cli.flags import flag_of
from consumer.control.refusal import Conflict, WebhookUnknown
from consumer.json import Json
from consumer.settings import ConfigurationError
from consumer.webhooks.keyring import SecretUnreadable
from consumer.webhooks.wrong import FieldInvalid

_PAGE: Final = 500
_WIDE: Final = 10_000


def reported(command: Callable[[], int], *, as_json: bool) -> int:
    """Run a command; its errors get their exit codes and, under `--json`, their form.

    Raises:
        CommandFailed: for a person to read.
        Exception: what is not an error of these commands' own.
    """
    try:
        return command()
    except Exception as error:
        failed = _failed(error)
        code = code_of(error) if failed is None else failed.code
        if as_json and code != os.EX_SOFTWARE:
            sys.stderr.write(encoded({"error": _told(error, code)}) + "\n")
            return code
        if failed is None:
            raise
        raise failed from None


def print_json(value: Mapping[str, Json]) -> None:
    """One object, on a line of its own."""
    sys.stdout.write(encoded(value) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, empty: str) -> int:
    """A table in pages of 500 rows, so that memory stays bounded; `empty` is said when there is none. Returns how many.

    What is printed into a file or a pipe is never cut to a width.
    """
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    left = iter(rows)
    printed = 0
    for first in left:
        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in chain([first], islice(left, _PAGE - 1)):
            # As Text: what a customer wrote must not be read as markup.
            table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
            printed += 1
        console.print(table)
    if not printed:
        sys.stderr.write(empty + "\n")
    return printed


def print_fields(fields: Mapping[str, Json]) -> None:
    """One object for a person: a field a line, those without a value left out."""
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in fields.items():
        if value is None or value in ("", [], {}):
            continue
        text = value if isinstance(value, str) else encoded(value)
        table.add_row(Text(name, style="bold"), Text(text))
    console.print(table)


def encoded(value: Json | Mapping[str, Json]) -> str:
    """JSON on one line."""
    return msgspec.json.encode(value).decode()


def _told(error: Exception, code: int) -> dict[str, Json]:
    """What went wrong as JSON. Where fields are refused, `errors` has all of them, by their flags."""
    match error:
        case FieldInvalid():
            errors: list[Json] = [
                {"field": each.field, "code": each.code.value, "message": each.message}
                for each in error.renamed(flag_of).wrong
            ]
            return {"code": code, "field": flag_of(error.field), "message": error.message, "errors": errors}
        case BrandUnknown():
            return {"code": code, "field": flag_of("brand"), "message": str(error)}
        case _:  # a setting has its name, too
            return {"code": code, "field": getattr(error, "field", None), "message": str(error)}


def _failed(error: Exception) -> CommandFailed | None:
    """Our own errors as a way out; None for those that `code_of` knows."""
    match error:
        case FieldInvalid():
            return bad_input(str(error.renamed(flag_of)))
        case WebhookUnknown() | BrandUnknown():
            return bad_input(str(error))
        case Conflict():
            return CommandFailed(os.EX_TEMPFAIL, str(error))
        case SecretUnreadable():
            return CommandFailed(os.EX_CONFIG, str(error))
        case ConfigurationError():
            return CommandFailed(os.EX_CONFIG, str(error))
        case _:
            return None
