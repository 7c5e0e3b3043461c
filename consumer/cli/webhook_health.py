"""`hookline webhooks health`: how endpoints do, as far as their attempts were logged.

The law: what is not known is left out, and never told as 0. When a certificate of a webhook's own ends is told of those
that have one.
"""

import os
from collections.abc import Mapping
from itertools import islice
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from consumer.cli.access import Access, webhooks
from consumer.cli.flags import Limit, checked_limit
from consumer.cli.output import STATUS_STYLES, print_fields, print_json, print_table
from consumer.cli.webhook_port import Shown
from consumer.json import Json
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.subscription import Status

_COLUMNS = ("ID", "STATUS", "FAILED IN A ROW", "LAST ANSWER", "LAST SUCCESS", "AVERAGE MS", "WAITING", "URL")

_ENDS = ("certificateExpiresAt", "authoritiesExpireAt")


def health(
    webhook: str | None = None,
    /,
    *,
    failing: Annotated[bool, Parameter(negative=(), help="Only those whose last attempt failed.")] = False,
    limit: Limit = None,
    access: Access | None = None,
    json: Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase; of several, one a line.")] = False,
) -> int:
    """Show how endpoints answer: failures in a row, the last answer, the average time, and what waits for its turn.

    Parameters
    ----------
    webhook
        Its id. Default: all.
    """
    most = checked_limit(limit)
    with webhooks(access) as reached:
        if webhook is not None:
            found = told(reached.show(webhook))
            if json:
                print_json(found)
            else:
                print_fields(_flat(found))
            return os.EX_OK
        every = (told(each) for each in reached.listed(Chosen()))
        chosen = islice((each for each in every if not failing or _failures(each)), most)
        if json:
            for each in chosen:
                print_json(each)
        else:
            print_table(_COLUMNS, map(_row, chosen), empty="there are no such webhooks")
    return os.EX_OK


def told(webhook: Shown) -> Shown:
    """What a webhook's resource tells of its health."""
    names = ("id", "object", "tenant", "brand", "url", "status", "statusReason", "health", "backlog")
    ends = {name: at for name, at in _inside(webhook, "tls").items() if name in _ENDS and at is not None}
    return {name: webhook.get(name) for name in names} | ends


def _flat(found: Shown) -> Shown:
    """A line for each figure."""
    inside = {**_inside(found, "health"), **_inside(found, "backlog")}
    return {name: value for name, value in found.items() if name not in {"object", "health", "backlog"}} | inside


def _row(found: Shown) -> tuple[str | Text, ...]:
    figures, last = _inside(found, "health"), _inside(_inside(found, "health"), "lastStatus")
    status = str(found["status"])
    answer = f"{last.get('code') or last.get('message')}, {last.get('timestamp')}" if last else None
    told_last: tuple[Json, ...] = (
        figures.get("consecutiveFailures"),
        answer,
        figures.get("lastSuccessAt"),
        figures.get("avgResponseTime"),
        _inside(found, "backlog").get("waiting"),
        found["url"],
    )
    texts = ("" if each is None else str(each) for each in told_last)
    return (str(found["id"]), Text(status, style=STATUS_STYLES[Status(status)]), *texts)


def _failures(found: Shown) -> bool:
    return bool(_inside(found, "health").get("consecutiveFailures"))


def _inside(found: Mapping[str, Json], name: str) -> dict[str, Json]:
    inside = found.get(name)
    return inside if isinstance(inside, dict) else {}
