"""`hookline poison`: the records that are no events, and a second chance for them once their producer is mended.

The law: `replay` writes a record to its event topic as it was, and the same one never twice unless `--again`, wherever
it was interrupted. What others wrote commands no terminal.
"""

import os
import sys
import time
from collections.abc import Iterable
from itertools import islice
from typing import Annotated

from cyclopts import App, Parameter

from consumer.cli.exits import bad_input
from consumer.cli.flags import Limit, checked_limit
from consumer.cli.output import print_fields, print_json, print_table
from consumer.cli.poison_flags import PoisonFlags, filters_of, spot
from consumer.cli.reach import installation, partitions
from consumer.configuration import load
from consumer.events.event import Record, RecordHeaders
from consumer.json import Json
from consumer.kafka.topics import Topics
from consumer.replay.poison import PoisonFilters, PoisonRecord, described, read, text_of
from consumer.replay.poison_run import originals
from consumer.settings import Settings
from consumer.telemetry.printable import printable, printable_lines

app = App(name="poison", help="List, look at and replay records that are no events.")
app.command("consumer.cli.poison_replay:replay", name="replay", help="Write poison records to their event topic again.")

AsJson = Annotated[bool, Parameter(negative=(), help="JSON, one object a line.")]


@app.command(name="list")
def list_(*, flags: PoisonFlags | None = None, limit: Limit = None, json: AsJson = False) -> int:
    """List poison records, each once."""
    filters, most = filters_of(flags, (), time.time_ns() // 1_000_000), checked_limit(limit)
    found = islice(read(installation(load(), _poison), filters), most)
    if json:
        for poison in found:
            print_json(described(poison))
    else:
        columns = ("AT", "PLACE", "SOURCE", "REASON", "KEY", "BYTES", "DETAIL")
        print_table(columns, map(_row, found), empty="there are no such poison records")
    return os.EX_OK


@app.command
def show(
    place: str,
    /,
    *,
    raw: Annotated[
        bool, Parameter(negative=(), help="Write the value's bytes to standard output, and nothing else.")
    ] = False,
    json: AsJson = False,
) -> int:
    """Show one poison record, with its headers and its value.

    Parameters
    ----------
    place
        TOPIC-PARTITION-OFFSET: where it lies on the poison topic, or where it was read.
    """
    spots = frozenset({spot(place)})
    settings = installation(load(), _poison)
    found = next(read(settings, PoisonFilters(spots=spots)), None)
    if found is None:
        raise bad_input(f"there is no poison record {place}", field="place")
    original = _original(settings, found)
    headers = found.headers if original is None else original.headers
    value = found.record.value if original is None else original.value
    if raw:
        _write_raw(found, value)
    elif json:
        text, encoding = text_of(value)
        print_json(described(found) | {"headers": _shown(headers), "value": text, "value_encoding": encoding})
    else:
        print_fields(described(found))
        for name, header in headers:
            text = "" if header is None else header.decode("utf-8", "backslashreplace")
            sys.stdout.write(f"  {printable(name)}: {printable(text)}\n")
        if value is not None:
            sys.stdout.write("\n" + printable_lines(value.decode("utf-8", "backslashreplace")) + "\n")
    return os.EX_OK


def _original(settings: Settings, found: PoisonRecord) -> Record | None:
    """The whole record of a stub, where its source still has it."""
    if not found.left_out_bytes:
        return None
    with originals(settings, partitions(settings)) as kept:
        return kept.find(found)


def _write_raw(found: PoisonRecord, value: bytes | None) -> None:
    """Raises CommandFailed: 65, there is no value."""
    if value is None:
        left_out = f": it was left out ({found.left_out_bytes} bytes), and {found.source} is there no more"
        raise bad_input(f"{found.spot} has no value{left_out if found.left_out_bytes else ''}", field="place")
    sys.stdout.buffer.write(value)
    sys.stdout.buffer.flush()


def _shown(headers: RecordHeaders) -> list[Json]:
    shown: list[Json] = []
    for name, value in headers:
        text, encoding = text_of(value)
        shown.append({"name": name, "value": text, "encoding": encoding})
    return shown


def _row(poison: PoisonRecord) -> tuple[str, ...]:
    shown = described(poison)
    key = None if poison.record.key is None else poison.record.key.decode("utf-8", "backslashreplace")
    size = poison.left_out_bytes or len(poison.record.value or b"")
    cells: Iterable[Json] = (
        shown["at"],
        shown["place"],
        shown["source"],
        shown["reason"],
        key,
        f"{size} left out" if poison.left_out_bytes else str(size),
        shown["detail"],
    )
    return tuple("" if each is None else str(each) for each in cells)


def _poison(topics: Topics) -> list[str]:
    return [topics.poison]
