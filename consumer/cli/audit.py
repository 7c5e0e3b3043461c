"""`hookline audit`: who did what, an operator's way or a customer's (see `access.py`)."""

import os
import time
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Final

from cyclopts import App, Parameter

from consumer.cli.access import Access, credentials
from consumer.cli.exits import usage
from consumer.cli.flags import Limit, checked_limit
from consumer.cli.output import print_json, print_table
from consumer.cli.reach import installation
from consumer.cli.webhook_port import Shown
from consumer.configuration import load
from consumer.control.deeds import Sought, deeds_of, told
from consumer.replay.filters import moment_ms

app = App(name="audit", help="List what was done to webhooks, keys, links and jobs, and by whom.")

_PART: Final = 100
_HEAD: Final = ("TIME", "BY", "ACTION", "TARGET", "MADE", "TENANT")


@app.command(name="list")
def list_(
    *,
    by: Annotated[str | None, Parameter(help="By this: key:ID, link:ID, operator; or key, link, command.")] = None,
    action: Annotated[str | None, Parameter(help="What was done, as in updateWebhook.")] = None,
    target: Annotated[str | None, Parameter(help="The id of what it was done to, or of what came of it.")] = None,
    since: Annotated[str | None, Parameter(help="Done then or later: a time, a date, or 2h for two hours ago.")] = None,
    until: Annotated[str | None, Parameter(help="Done before then.")] = None,
    limit: Limit = None,
    access: Access | None = None,
    json: Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase, one a line.")] = False,
) -> int:
    """List what was done, the newest first. An operator sees that of all tenants, and by whose hand."""
    most, asked = checked_limit(limit), access or Access()
    sought = Sought(
        tenant=asked.tenant,
        brand=asked.brand,
        by=by,
        action=action,
        target=target,
        since_ms=_moment_ms("--since", since),
        until_ms=_moment_ms("--until", until),
        to_operator=True,
    )
    given = {"by": by, "action": action, "target": target, "since": since, "until": until}
    found = islice(_remote(asked, given) if asked.api is not None else _direct(sought), most)
    if json:
        for each in found:
            print_json(each)
    else:
        names = ("at", "by", "action", "target", "made", "tenant")
        rows = (tuple(str(each.get(name) or "") for name in names) for each in found)
        print_table(_HEAD, rows, empty="nothing was done that the audit log has")
    return os.EX_OK


def _direct(sought: Sought) -> Iterator[Shown]:
    settings = installation(load(), lambda topics: [topics.audit])
    deeds, before = deeds_of(settings), None
    while True:
        page = deeds.page(sought, before=before, limit=_PART)
        yield from (told(each, to_operator=True) for each in page.found)
        if page.before is None:
            return
        before = page.before


def _remote(asked: Access, given: dict[str, str | None]) -> Iterator[Shown]:
    from consumer.cli.api_client import ApiClient  # noqa: PLC0415 # its library takes long to import

    assert asked.api is not None
    with ApiClient(asked.api, credentials(asked, load())) as client:
        path = client.brand.api.base_path.rpartition("/")[0] + "/audit"
        yield from client.pages(path, {name: value for name, value in given.items() if value is not None})


def _moment_ms(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return moment_ms(text, time.time_ns() // 1_000_000)
    except ValueError as error:
        raise usage(f"{flag}: {error}", field=flag) from None
