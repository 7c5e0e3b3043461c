"""`hookline webhooks`: the webhooks, an operator's way or a customer's (see `access.py`).

The law: what is printed is so, and reads the same whichever way it came.
"""

import os
from collections.abc import Callable
from itertools import islice
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.text import Text

from consumer.cli.access import Access, webhooks
from consumer.cli.flags import Id, Limit, checked_limit
from consumer.cli.output import STATUS_STYLES, print_fields, print_json, print_table
from consumer.cli.webhook_flags import BeginningFlags, WebhookFlags, changes_of, wishes_of
from consumer.cli.webhook_port import Shown, WebhookPort
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.fields import check_choice
from consumer.webhooks.subscription import Status
from consumer.webhooks.wishes import Wishes

app = App(name="webhooks", help="Create, look at, change, pause and delete webhooks.")
app.command("consumer.cli.webhook_rotate:rotate", name="rotate", help="Give a webhook a new secret and print it.")
app.command("consumer.cli.webhook_filter:try_filter", name="try-filter", help="Whether a filter lets an event through.")
app.command("consumer.cli.webhook_trial:try_out", name="test", help="Send a test event; exit code 0 means a 2xx.")
app.command("consumer.cli.webhook_stats:stats", name="stats", help="Show what was accepted and failed, by the hour.")
app.command("consumer.cli.webhook_health:health", name="health", help="Show how endpoints answer, and what waits.")

AsJson = Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")]


@app.command
def create(
    *,
    url: Annotated[str, Parameter(help="The endpoint.")],
    uid: Annotated[str | None, Parameter(help="What you call it; not to be changed.")] = None,
    beginning: BeginningFlags | None = None,
    flags: WebhookFlags | None = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Create a webhook and print it with its secret, which is not shown again."""
    with webhooks(access) as reached:
        _print(reached.create(_wishes(reached, url, uid, beginning, flags)), as_json=json)
    return os.EX_OK


@app.command
def apply(
    *,
    uid: Annotated[str, Parameter(help="What you call it.")],
    url: Annotated[str, Parameter(help="The endpoint.")],
    beginning: BeginningFlags | None = None,
    flags: WebhookFlags | None = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Create the webhook of this uid, or change the one there is: what is left out is as a new one has it.

    Its status stays where none is given, and its secret. A new one is printed with its secret.
    """
    with webhooks(access) as reached:
        _print(reached.put(_wishes(reached, url, uid, beginning, flags)), as_json=json)
    return os.EX_OK


@app.command(name="list")
def list_(
    *,
    status: Annotated[Status | None, Parameter(help="Only those in this state.")] = None,
    event: Annotated[str | None, Parameter(help="Only those that are sent events of this type, or prefix.*.")] = None,
    product: Annotated[str | None, Parameter(help="Only those of this product.")] = None,
    url: Annotated[str | None, Parameter(help="Only those with this in their URL.")] = None,
    limit: Limit = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """List webhooks, oldest first. JSON is one object a line."""
    most = checked_limit(limit)
    if event is not None:
        check_choice("event_types", event)
    with webhooks(access) as reached:
        found = islice(reached.listed(Chosen(status=status, event_type=event, product=product, url=url)), most)
        if json:
            for each in found:
                print_json(each)
        else:
            columns = ("ID", "TENANT", "STATUS", "EVENTS", "URL")
            print_table(columns, (_row(each) for each in found), empty="there are no such webhooks")
    return os.EX_OK


@app.command
def show(webhook: Id, /, *, access: Access | None = None, json: AsJson = False) -> int:
    """Show one webhook, without its secret, unless its brand lets it be read."""
    return _one(access, lambda reached: reached.show(webhook), as_json=json)


@app.command
def update(
    webhook: Id,
    /,
    *,
    url: Annotated[str | None, Parameter(help="The endpoint.")] = None,
    flags: WebhookFlags | None = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Change what is given, and leave the rest as it is."""
    return _one(
        access, lambda reached: reached.update(webhook, changes_of(flags or WebhookFlags(), url=url)), as_json=json
    )


@app.command
def delete(webhook: Id, /, *, access: Access | None = None, json: AsJson = False) -> int:
    """Delete a webhook. Its deliveries under way are dropped."""
    with webhooks(access) as reached:
        deleted = reached.delete(webhook)
    if json:
        print_json(deleted)
    else:
        print_fields({"deleted": webhook})
    return os.EX_OK


@app.command
def pause(webhook: Id, /, *, access: Access | None = None, json: AsJson = False) -> int:
    """Pause a webhook: nothing is delivered to it until it is resumed."""
    return _one(access, lambda reached: reached.pause(webhook), as_json=json)


@app.command
def resume(webhook: Id, /, *, access: Access | None = None, json: AsJson = False) -> int:
    """Resume a webhook that was paused, or suspended by Hookline."""
    return _one(access, lambda reached: reached.resume(webhook), as_json=json)


@app.command
def unblock(
    webhook: Id,
    /,
    *,
    head: Annotated[Literal["retry", "drop"], Parameter(help="Try it once more, or dead-letter it.")],
    delivery: Annotated[str | None, Parameter(help="Of this delivery alone. Default: all stopped keys.")] = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Let the keys of an ordered webhook go on that have stopped (see --on-failure)."""
    return _one(access, lambda reached: reached.unblock(webhook, drop=head == "drop", delivery=delivery), as_json=json)


def _wishes(
    reached: WebhookPort, url: str, uid: str | None, beginning: BeginningFlags | None, flags: WebhookFlags | None
) -> Wishes:
    return wishes_of(
        flags or WebhookFlags(),
        beginning or BeginningFlags(),
        tenant=reached.tenant,
        url=url,
        brand=reached.brand,
        uid=uid,
    )


def _one(access: Access | None, ask: Callable[[WebhookPort], Shown], *, as_json: bool) -> int:
    with webhooks(access) as reached:
        _print(ask(reached), as_json=as_json)
    return os.EX_OK


def _print(shown: Shown, *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        print_fields(shown)


def _row(shown: Shown) -> tuple[str | Text, ...]:
    status = str(shown["status"])
    types = shown.get("topics", shown.get("events"))
    events = ", ".join(map(str, types)) if isinstance(types, list) else ""
    return (
        str(shown["id"]),
        str(shown["tenant"]),
        Text(status, style=STATUS_STYLES[Status(status)]),
        events,
        str(shown["url"]),
    )
