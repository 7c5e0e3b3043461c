"""`hookline keys`: API keys, an operator's way or a customer's (see `access.py`).

The law: a key is printed once, by the command that made it, and works as soon as that command returns; a revoked one
opens nothing from then on, in any process.
"""

import os
from itertools import islice
from typing import Annotated

from cyclopts import App, Parameter
from rich.text import Text

from consumer.cli.access import Access, keys
from consumer.cli.exits import usage
from consumer.cli.flags import Id, Limit, checked_limit
from consumer.cli.output import print_fields, print_json, print_table
from consumer.cli.webhook_port import Shown
from consumer.control.key_resource import Standing
from consumer.control.keys import Scope
from consumer.setting_values import duration_ms

app = App(name="keys", help="Create, list and revoke API keys; change the keys that encrypt secrets.")
app.command("consumer.cli.rotate_encryption:rotate_encryption", name="rotate-encryption")
app.command("consumer.cli.export:public", name="public")

AsJson = Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")]
_STYLES = {Standing.ACTIVE: "green", Standing.EXPIRED: "yellow", Standing.REVOKED: "red"}


@app.command
def create(
    *,
    scope: Annotated[
        list[Scope] | None,
        Parameter(negative=(), help="May be repeated. Default: all but admin, as far as --key has them."),
    ] = None,
    name: Annotated[str, Parameter(help="For people.")] = "",
    expires: Annotated[
        str | None, Parameter(help="After so long, as in 90d. Default: when --key ends; without --api never.")
    ] = None,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Create an API key and print it. It is not shown again."""
    lifetime_ms = None if expires is None else _lifetime_ms(expires)
    with keys(access) as reached:
        created = reached.create(scopes=scope, name=name, lifetime_ms=lifetime_ms)
    _print(created, as_json=json)
    return os.EX_OK


@app.command(name="list")
def list_(*, limit: Limit = None, access: Access | None = None, json: AsJson = False) -> int:
    """List API keys, oldest first, with when each was used last. JSON is one object a line."""
    most = checked_limit(limit)
    with keys(access) as reached:
        found = islice(reached.listed(), most)
        if json:
            for each in found:
                print_json(each)
        else:
            columns = ("ID", "TENANT", "BRAND", "NAME", "SCOPES", "STATUS", "EXPIRES", "LAST USED", "CREATED BY")
            print_table(columns, (_row(each) for each in found), empty="there are no such keys")
    return os.EX_OK


@app.command
def revoke(
    key_id: Id,
    /,
    *,
    descendants: Annotated[
        bool, Parameter(negative=(), help="Also all keys that it made, that they made, and so on.")
    ] = False,
    access: Access | None = None,
    json: AsJson = False,
) -> int:
    """Revoke an API key: it opens nothing from now on. Revoking it again changes nothing.

    The keys that it made go on until their own end, unless --descendants is given.
    """
    with keys(access) as reached:
        revoked = reached.revoke(key_id, with_descendants=descendants)
    _print(revoked, as_json=json)
    return os.EX_OK


def _lifetime_ms(text: str) -> int:
    try:
        return duration_ms(text)
    except ValueError as error:
        raise usage(f"--expires: {error}", field="--expires") from None


def _print(shown: Shown, *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        print_fields(shown)


def _row(shown: Shown) -> tuple[str | Text, ...]:
    status, scopes = Standing(str(shown["status"])), shown["scopes"]
    names = (str(shown[name]) for name in ("id", "tenant", "brand", "name"))
    granted = ", ".join(map(str, scopes)) if isinstance(scopes, list) else ""
    times = (str(shown[name] or "") for name in ("expiresAt", "lastUsedAt", "createdBy"))
    return *names, granted, Text(status.value, style=_STYLES[status]), *times
