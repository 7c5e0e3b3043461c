"""The log as CSV or JSON lines, one page of the index after the other, while it is sent.

The laws:
- a cell that a spreadsheet would compute is text there: it begins with an apostrophe;
- an export holds as many rows as the list with its filters, up to ROWS_MOST; one that broke off does not look whole,
  for its connection ends before its last chunk;
- no more than EXPORTS are under way in a process, EXPORTS_OF_A_TENANT of them one tenant's.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Final

import msgspec
from starlette.responses import Response, StreamingResponse

from consumer.api.services import Services
from consumer.json import Json
from consumer.log.listing import Listing
from consumer.log.resource import Sight, attempt_row
from consumer.shares import Shares

ROWS_MOST: Final = 100_000
EXPORTS: Final = 8
EXPORTS_OF_A_TENANT: Final = 2
CSV: Final = "text/csv"
JSON_LINES: Final = "application/jsonl"
COLUMNS: Final = (
    "at", "webhook", "type", "eventId", "delivery", "number", "trigger", "outcome", "status", "failure", "reason",
    "elapsedMs", "nextAttemptAt", "id",
)  # fmt: skip
# What spreadsheets begin a formula with, also in full width, and what they may pass over in front of it.
_COMPUTED: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


def exports() -> Shares:
    """The exports under way in a process."""
    return Shares("exports", places=EXPORTS, share=EXPORTS_OF_A_TENANT, retry_after_s=5)


def exported(services: Services, wanted: Listing, seen: Sight, format_: str) -> Response:
    """The answer to an export, as `csv` or `jsonl`. Its first page is looked up before anything is sent.

    Raises:
        Busy: too many exports are under way, of this tenant or of all.
        CacheUnavailable: the index cannot be read.
    """
    leave = services.exports.enter(wanted.tenant)
    try:
        rows = _rows(services, wanted, seen)
        if (first := next(rows, None)) is not None:
            rows = chain((first,), rows)
    except BaseException:
        leave()
        raise
    of_csv = format_ == "csv"
    text = _csv(rows) if of_csv else _json_lines(rows)
    named = {"Content-Disposition": f'attachment; filename="attempts.{format_}"'}
    return StreamingResponse(_left(text, leave), media_type=CSV if of_csv else JSON_LINES, headers=named)


def cell(value: Json) -> str:
    """A value as a cell of CSV."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_COMPUTED) else text


def _rows(services: Services, wanted: Listing, seen: Sight) -> Iterator[list[dict[str, Json]]]:
    """The rows, some at a time."""
    left = ROWS_MOST
    for page in wanted.parts(services.log, services.archive):
        rows = page.rows[:left]
        left -= len(rows)
        if rows:
            yield [attempt_row(row, seen) for row in rows]
        if left == 0:
            return


def _csv(parts: Iterator[list[dict[str, Json]]]) -> Iterator[bytes]:
    yield lines([list(COLUMNS)])
    for rows in parts:
        yield lines([cells(row) for row in rows])


def _json_lines(parts: Iterator[list[dict[str, Json]]]) -> Iterator[bytes]:
    for rows in parts:
        yield b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def cells(row: Mapping[str, Json]) -> list[str]:
    """A row of the list as cells, in the order of COLUMNS."""
    return [cell(row[name]) for name in COLUMNS]


def lines(rows: list[list[str]]) -> bytes:
    """Rows of cells as lines of CSV (RFC 4180)."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _left(text: Iterator[bytes], leave: Callable[[], None]) -> Iterator[bytes]:
    try:
        yield from text
    finally:
        leave()
