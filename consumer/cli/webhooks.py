"""`hookline webhooks`: an operator's way to the webhooks, straight to their topic.

The law: what is printed holds. A write is acknowledged, was the first of its revision and, when a projection runs,
applied by it; where the last is not known, standard error says so.
"""

import os
import secrets
import time
from collections.abc import Callable
from typing import Annotated

from cyclopts import App, Parameter
from rich.text import Text

from consumer.brands.loader import brand as brand_named
from consumer.cli.exits import say
from consumer.cli.flags import Limit, checked_limit
from consumer.cli.output import print_fields, print_json, print_table, reported
from consumer.cli.webhook_flags import WebhookFlags, changes_of, secret_of, wishes_of
from consumer.control import writes
from consumer.control.applied import Seen
from consumer.control.endpoint import check_endpoint
from consumer.control.resource import resource, with_public_key
from consumer.json import Json
from consumer.kafka import subscriptions
from consumer.settings import Settings, load
from consumer.webhooks import draft
from consumer.webhooks.draft import KEPT
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import SigningProfile, Status, Subscription

app = App(name="webhooks", help="Create, look at, change, pause and delete webhooks.")

AsJson = Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")]
_STATUS_STYLES = {Status.ACTIVE: "green", Status.PAUSED: "yellow", Status.SUSPENDED: "red"}


@app.command
def create(
    *,
    tenant: Annotated[str, Parameter(help="Whose events it receives.")],
    url: Annotated[str, Parameter(help="The endpoint.")],
    brand: Annotated[str, Parameter(help="How it looks and behaves.")] = "hookline",
    signing: Annotated[SigningProfile | None, Parameter(help="Default: the brand's.")] = None,
    secret: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="Its own; - reads it from standard input. Default: generated."),
    ] = None,
    flags: WebhookFlags | None = None,
    json: AsJson = False,
) -> int:
    """Create a webhook and print it with its secret, which is not shown again."""

    def command() -> int:
        settings = load()
        now_ms = _now_ms()
        wishes = wishes_of(
            flags or WebhookFlags(), tenant=tenant, url=url, brand=brand, signing=signing, secret=secret_of(secret)
        )
        check_endpoint(url, settings)
        created, clear = draft.create(
            wishes,
            brand=brand_named(brand),
            keyring=Keyring.from_settings(settings),
            now_ms=now_ms,
            new_id=lambda: draft.new_id(now_ms, secrets.token_bytes),
            entropy=secrets.token_bytes,
            allow_http=settings.allow_http,
        )
        _write(settings, created)
        _print(resource(created, secret=clear), as_json=json)
        return os.EX_OK

    return reported(command, as_json=json)


@app.command(name="list")
def list_(
    *,
    tenant: Annotated[str | None, Parameter(help="Only this tenant's.")] = None,
    status: Annotated[Status | None, Parameter(help="Only those in this state.")] = None,
    limit: Limit = None,
    json: AsJson = False,
) -> int:
    """List webhooks, oldest first. JSON is one object a line."""

    def command() -> int:
        most = checked_limit(limit)
        found = sorted(
            (
                each
                for each in subscriptions.read_all(load()).values()
                if tenant in {None, each.tenant} and status in {None, each.status}
            ),
            key=lambda each: (each.created_at_ms, each.id),
        )[:most]
        if json:
            for each in found:
                print_json(resource(each))
        else:
            columns = ("ID", "TENANT", "STATUS", "EVENTS", "URL")
            print_table(columns, (_row(each) for each in found), empty="there are no such webhooks")
        return os.EX_OK

    return reported(command, as_json=json)


@app.command
def show(webhook: str, /, *, json: AsJson = False) -> int:
    """Show one webhook, without its secret.

    Parameters
    ----------
    webhook
        Its id.
    """

    def command() -> int:
        settings = load()
        found = writes.find(settings, webhook)
        ed25519 = found.signing is SigningProfile.ED25519
        _print(
            with_public_key(found, Keyring.from_settings(settings)) if ed25519 else resource(found),
            as_json=json,
        )
        return os.EX_OK

    return reported(command, as_json=json)


@app.command
def update(
    webhook: str,
    /,
    *,
    url: Annotated[str | None, Parameter(help="The endpoint.")] = None,
    flags: WebhookFlags | None = None,
    json: AsJson = False,
) -> int:
    """Change what is given, and leave the rest as it is.

    Parameters
    ----------
    webhook
        Its id.
    """

    def command() -> int:
        settings = load()
        changes = changes_of(flags or WebhookFlags(), url=url)
        if changes.url is not KEPT:
            check_endpoint(changes.url, settings)
        was = writes.find(settings, webhook)
        changed = draft.update(
            was,
            changes,
            brand=brand_named(was.brand),
            keyring=Keyring.from_settings(settings),
            now_ms=_now_ms(),
            entropy=secrets.token_bytes,
            allow_http=settings.allow_http,
        )
        _write(settings, changed)
        _print(resource(changed), as_json=json)
        return os.EX_OK

    return reported(command, as_json=json)


@app.command
def delete(webhook: str, /, *, json: AsJson = False) -> int:
    """Delete a webhook. Its deliveries under way are dropped.

    Parameters
    ----------
    webhook
        Its id.
    """

    def command() -> int:
        settings = load()
        _write(settings, Deletion.of(writes.find(settings, webhook)))
        if json:
            print_json({"id": webhook, "object": "webhook", "deleted": True})
        else:
            print_fields({"deleted": webhook})
        return os.EX_OK

    return reported(command, as_json=json)


@app.command
def pause(webhook: str, /, *, json: AsJson = False) -> int:
    """Pause a webhook: nothing is delivered to it until it is resumed.

    Parameters
    ----------
    webhook
        Its id.
    """
    return _set(webhook, Status.PAUSED, lambda was: draft.pause(was, now_ms=_now_ms()), as_json=json)


@app.command
def resume(webhook: str, /, *, json: AsJson = False) -> int:
    """Resume a webhook that was paused, or suspended by Hookline.

    Parameters
    ----------
    webhook
        Its id.
    """
    return _set(webhook, Status.ACTIVE, lambda was: draft.resume(was, now_ms=_now_ms()), as_json=json)


def _set(webhook: str, status: Status, change: Callable[[Subscription], Subscription], *, as_json: bool) -> int:
    def command() -> int:
        settings = load()
        found = writes.find(settings, webhook)
        if found.status is not status:
            found = change(found)
            _write(settings, found)
        _print(resource(found), as_json=as_json)
        return os.EX_OK

    return reported(command, as_json=as_json)


def _write(settings: Settings, state: State) -> None:
    seen = writes.write(settings, state)
    if seen is not Seen.APPLIED:
        say(f"{state.id} is written; whether deliveries follow it already is not known: {seen}")


def _print(shown: dict[str, Json], *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        print_fields(shown)


def _row(subscription: Subscription) -> tuple[str | Text, ...]:
    status = Text(subscription.status.value, style=_STATUS_STYLES[subscription.status])
    events = ", ".join(subscription.event_types) or "*"
    return subscription.id, subscription.tenant, status, events, subscription.url


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
