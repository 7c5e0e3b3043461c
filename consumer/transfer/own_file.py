"""Hookline's own file of webhooks and API keys: JSON lines. Pure.

    {"object": "export", "version": 1, …}      the first line: when, and for whom its secrets are sealed
    {"object": "webhook", …}                   one each, secrets sealed
    {"object": "apiKey", …}                    one each, with the hash by which it is known
    {"object": "end", "webhooks": 2, …}        the last line: how many there were

The laws: a file that was cut is refused, and no secret stands in it in the clear.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from consumer.control.keys import ApiKey
from consumer.transfer.faults import LineFaults
from consumer.transfer.key_rows import key_of, key_row
from consumer.transfer.rows import End, Head, KeyRow, Row, WebhookRow
from consumer.transfer.webhook_rows import webhook_of, webhook_row
from consumer.webhooks.subscription import Subscription

VERSION: Final = 1
LONGEST: Final = 1_048_576
"""Bytes of a line."""
_AT: Final = re.compile(r"(.*) - at `\$\.([^`]*)`")
_DECODER: Final[msgspec.json.Decoder[Row]] = msgspec.json.Decoder(Row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a file holds, each with its line."""

    head: Head
    webhooks: tuple[tuple[int, Subscription], ...]
    keys: tuple[tuple[int, ApiKey], ...]


def written(head: Head, webhooks: Iterable[Subscription], keys: Iterable[ApiKey]) -> Iterator[bytes]:
    """The file's lines, with their line breaks."""
    yield _line(head)
    webhook_count = key_count = 0
    for webhook_count, each in enumerate(webhooks, start=1):  # noqa: B007 # counted
        yield _line(webhook_row(each))
    for key_count, key in enumerate(keys, start=1):  # noqa: B007 # counted
        yield _line(key_row(key))
    yield _line(End(webhooks=webhook_count, api_keys=key_count))


def read(lines: Iterable[bytes], *, allow_http: bool) -> Read:
    """Read a file.

    Raises:
        FileRefused: all that is wrong with it.
    """
    faults = LineFaults()
    head: Head | None = None
    end: End | None = None
    webhooks: list[tuple[int, Subscription]] = []
    keys: list[tuple[int, ApiKey]] = []
    for number, line in enumerate(lines, start=1):
        row = _decoded(line, number, faults)
        match row:
            case Head() if number == 1 and row.version == VERSION:
                head = row
            case Head():
                faults.add(number, "object", f"only the first line is an export, of version {VERSION}")
            case WebhookRow():
                with faults.of(number):
                    webhooks += [(number, each) for each in webhook_of(row, number, faults, allow_http=allow_http)]
            case KeyRow():
                keys += [(number, each) for each in key_of(row, number, faults)]
            case End():
                end = row
            case None:
                pass
    if head is None and not faults.found:
        faults.add(1, "object", "this is no export of Hookline's: say by --from which form the file has")
    if not faults.found and (end is None or (end.webhooks, end.api_keys) != (len(webhooks), len(keys))):
        faults.add(0, "", "the file is cut, or was changed: its last line does not say how many rows came before")
    _once(((line, each.id) for line, each in webhooks), faults)
    _once(((line, each.id) for line, each in keys), faults)
    faults.tell()
    assert head is not None
    return Read(head=head, webhooks=tuple(webhooks), keys=tuple(keys))


def _line(row: Row) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def _decoded(line: bytes, number: int, faults: LineFaults) -> Row | None:
    if not line.strip():
        return None
    if len(line) > LONGEST:
        faults.add(number, "", f"is longer than {LONGEST:,} bytes")
        return None
    try:
        return _DECODER.decode(line)
    except (msgspec.ValidationError, RecursionError) as error:
        said = _AT.fullmatch(str(error))
        faults.add(number, said[2] if said else "", said[1] if said else str(error))
    except (msgspec.DecodeError, UnicodeDecodeError):
        faults.add(number, "", "is not JSON")
    return None


def _once(ids: Iterable[tuple[int, str]], faults: LineFaults) -> None:
    first: dict[str, int] = {}
    for line, id_ in ids:
        if first.setdefault(id_, line) != line:
            faults.add(line, "id", f"is the same as on line {first[id_]}")
