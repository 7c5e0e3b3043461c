"""Webhooks as rows of a table, read as what is wished of them. Pure.

The first row names the columns, in any order:

    tenant       whose it is; may be left out where the command says it
    uid          your own name for it, by which a second import finds it again
    url
    secret       the one that its receiver knows
    signing      standard, ed25519, hex, sha256, stripe; empty: the brand's
    event_types  separated by spaces; empty: all
    product, name, description, status (active or paused), rate_per_s, max_concurrency, timeout_ms
    headers      a JSON object

The law: a column that nobody knows is refused, and so is a row with more or fewer cells than there are columns.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from consumer.settings import nearest
from consumer.transfer.faults import LineFaults
from consumer.webhooks.subscription import SigningProfile, Status
from consumer.webhooks.wishes import Wishes

COLUMNS: Final = (
    "tenant", "uid", "url", "secret", "signing", "event_types", "product", "name", "description", "status",
    "rate_per_s", "max_concurrency", "timeout_ms", "headers",
)  # fmt: skip
_NEEDED: Final = ("uid", "url", "secret")
_STATUSES: Final = {"active": Status.ACTIVE, "paused": Status.PAUSED}


def rows(lines: Iterable[str], faults: LineFaults) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each row that is not empty, by its columns, with the line on which it ends."""
    reader = csv.reader(lines, strict=True)
    columns: list[str] | None = None
    try:
        for cells in reader:
            if not any(cells):
                continue
            if columns is None:
                columns = [cell.strip().lower() for cell in cells]
                _check_columns(columns, reader.line_num, faults)
            elif len(cells) != len(columns):
                faults.add(reader.line_num, "", f"has {len(cells)} cells, and there are {len(columns)} columns")
            else:
                yield reader.line_num, dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    except csv.Error as error:
        faults.add(reader.line_num, "", f"is no row of CSV: {error}")
    if columns is None:
        faults.add(0, "", "the file is empty: its first row names the columns")


def wishes_of(
    row: Mapping[str, str], line: int, faults: LineFaults, *, tenant: str | None, brand: str
) -> Wishes | None:
    """What this row wishes; None: it cannot be, and `faults` tell why. `tenant`: where the row does not say one."""
    before = len(faults.found)
    owner = row.get("tenant") or tenant
    if not owner:
        faults.add(line, "tenant", "is empty: write it, or give --tenant")
    for name in _NEEDED:
        if not row.get(name):
            faults.add(line, name, "is empty")
    signing = row.get("signing", "")
    if signing and signing not in {*SigningProfile}:
        faults.add(line, "signing", f"is none of {', '.join(SigningProfile)}")
    status = row.get("status", "")
    if status and status not in _STATUSES:
        faults.add(line, "status", "is neither active nor paused")
    rate = _number(row, "rate_per_s", float, line, faults)
    most = _number(row, "max_concurrency", int, line, faults)
    timeout = _number(row, "timeout_ms", int, line, faults)
    headers = _headers(row.get("headers", ""), line, faults)
    if len(faults.found) > before:
        return None
    return Wishes(
        tenant=owner or "",
        brand=brand,
        url=row["url"],
        uid=row["uid"],
        secret=row["secret"],
        signing=SigningProfile(signing) if signing else None,
        event_types=tuple(row.get("event_types", "").split()) or None,
        product=row.get("product") or None,
        name=row.get("name", ""),
        description=row.get("description", ""),
        status=_STATUSES[status] if status else None,  # type: ignore[arg-type] # neither is suspended
        rate_per_s=rate,
        max_concurrency=None if most is None else int(most),
        timeout_ms=None if timeout is None else int(timeout),
        headers=headers,
    )


def _check_columns(columns: list[str], line: int, faults: LineFaults) -> None:
    for number, name in enumerate(columns):
        if name not in COLUMNS:
            closest = nearest(name, COLUMNS)
            faults.add(line, name, "is no column" + (f": did you mean {closest}?" if closest else ""))
        elif name in columns[:number]:
            faults.add(line, name, "is a column twice")
    for name in _NEEDED:
        if name not in columns:
            faults.add(line, name, "is missing: each row needs it")


def _number(
    row: Mapping[str, str], name: str, kind: type[int] | type[float], line: int, faults: LineFaults
) -> float | None:
    text = row.get(name)
    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        faults.add(line, name, "is no number")
        return None


def _headers(text: str, line: int, faults: LineFaults) -> dict[str, str]:
    if not text:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError):
        faults.add(line, "headers", 'is no JSON object of texts, as in {"X-Team": "billing"}')
        return {}
