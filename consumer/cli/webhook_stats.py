"""`hookline webhooks stats`: how many attempts of a webhook were accepted and failed, by the hour or by the day.

The law: what is not known is left out, and never told as 0.
"""

import os
import sys
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from consumer.cli.access import Access, webhooks
from consumer.cli.flags import Id
from consumer.cli.output import print_fields, print_json, print_table
from consumer.cli.webhook_port import Shown
from consumer.json import Json

_COLUMNS: Final = ("FROM", "DELIVERED", "FAILED", "MEAN MS", "LONGEST MS")
_FIGURES: Final = ("start", "delivered", "failed", "meanMs", "worstMs")
_SHARES: Final = {"codes": "code", "causes": "cause", "types": "type"}


def stats(
    webhook: Id,
    /,
    *,
    period: Annotated[Literal["24h", "30d"], Parameter(help="The last 24 hours, or the last 30 days (UTC).")] = "24h",
    access: Access | None = None,
    json: Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")] = False,
) -> int:
    """Show how many attempts were accepted and failed, how long answers took, and what they were."""
    with webhooks(access) as reached:
        found = reached.stats(webhook, period)
    if json:
        print_json(found)
        return os.EX_OK
    steps = [each for each in _rows(found.get("buckets")) if each.get("delivered") or each.get("failed")]
    print_table(_COLUMNS, (_cells(each, _FIGURES) for each in steps), empty="no attempt is known of this time")
    print_fields(_inside(found, "totals"))
    listed = _inside(found, "listed")
    if listed:
        sys.stdout.write("\n")
        print_fields({f"listed {name}": value for name, value in listed.items() if name not in _SHARES})
        shares = [[name, *_cells(each, (name, "attempts", "share"))] for name, each in _shares(listed)]
        print_table(("OF", "WHICH", "ATTEMPTS", "SHARE"), shares, empty="none of them is listed")
    return os.EX_OK


def _shares(listed: Shown) -> Iterator[tuple[str, Shown]]:
    for name, of in _SHARES.items():
        for each in _rows(listed.get(name)):
            yield of, each


def _cells(row: Shown, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("" if row.get(name) is None else str(row[name]) for name in names)


def _rows(found: Json) -> list[Shown]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _inside(found: Shown, name: str) -> Shown:
    inside = found.get(name)
    return inside if isinstance(inside, dict) else {}
