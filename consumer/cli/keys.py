"""`hookline keys`: API keys, an operator's way, straight to the state topic.

The law: a key is printed once, by the command that made it, and works as soon as that command returns; a revoked one
opens nothing from then on, in any process.
"""

import os
import secrets
import time
from typing import Annotated

from cyclopts import App, Parameter
from rich.text import Text

from consumer.brands.loader import brand as brand_named
from consumer.cli.exits import bad_input, usage
from consumer.cli.flags import Limit, checked_limit
from consumer.cli.output import print_fields, print_json, print_table, reported
from consumer.control.key_resource import Standing, resource, standing
from consumer.control.key_uses import last_uses
from consumer.control.key_writes import read_keys, write_key
from consumer.control.keys import ID_DIGITS, USUAL_SCOPES, ApiKey, Scope, mint, revoked
from consumer.json import Json
from consumer.settings import duration_ms, load
from consumer.signing.timestamps import rfc3339

app = App(name="keys", help="Create, list and revoke API keys; change the keys that encrypt secrets.")
app.command("consumer.cli.rotate_encryption:rotate_encryption", name="rotate-encryption")

AsJson = Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")]
_STYLES = {Standing.ACTIVE: "green", Standing.EXPIRED: "yellow", Standing.REVOKED: "red"}


@app.command
def create(
    *,
    tenant: Annotated[str, Parameter(help="Whose webhooks it opens.")],
    brand: Annotated[str, Parameter(help="Under which brand.")] = "hookline",
    scope: Annotated[
        list[Scope] | None, Parameter(negative=(), help="May be repeated. Default: read, write and replay.")
    ] = None,
    name: Annotated[str, Parameter(help="For people.")] = "",
    expires: Annotated[str | None, Parameter(help="After so long, as in 90d. Default: never.")] = None,
    json: AsJson = False,
) -> int:
    """Create an API key and print it. It is not shown again."""

    def command() -> int:
        settings, now_ms = load(), _now_ms()
        key, text = mint(
            tenant=tenant,
            brand=brand_named(brand, settings.brands_dir),
            scopes=USUAL_SCOPES if scope is None else scope,
            name=name,
            expires_at_ms=None if expires is None else now_ms + _lifetime_ms(expires),
            now_ms=now_ms,
            entropy=secrets.token_bytes,
        )
        write_key(settings, key)
        _print(resource(key, now_ms=now_ms, text=text), as_json=json)
        return os.EX_OK

    return reported(command, as_json=json)


@app.command(name="list")
def list_(
    *,
    tenant: Annotated[str | None, Parameter(help="Only this tenant's.")] = None,
    brand: Annotated[str | None, Parameter(help="Only this brand's.")] = None,
    limit: Limit = None,
    json: AsJson = False,
) -> int:
    """List API keys, oldest first, with when each was used last. JSON is one object a line."""

    def command() -> int:
        most = checked_limit(limit)
        settings, now_ms = load(), _now_ms()
        found = read_keys(settings).listed(tenant=tenant, brand=brand)[:most]
        uses = last_uses(settings, [key.id for key in found])
        if json:
            for key in found:
                print_json(resource(key, now_ms=now_ms, last_used_ms=uses.get(key.id)))
        else:
            columns = ("ID", "TENANT", "BRAND", "NAME", "SCOPES", "STATUS", "EXPIRES", "LAST USED")
            rows = (_row(key, now_ms, uses.get(key.id)) for key in found)
            print_table(columns, rows, empty="there are no such keys")
        return os.EX_OK

    return reported(command, as_json=json)


@app.command
def revoke(key: str, /, *, json: AsJson = False) -> int:
    """Revoke an API key: it opens nothing from now on. Revoking it again changes nothing.

    Parameters
    ----------
    key
        Its id.
    """

    def command() -> int:
        settings, now_ms = load(), _now_ms()
        found = read_keys(settings).get(key)
        if found is None:
            raise bad_input(f"there is no key {_shown(key)}")
        ended = revoked(found, now_ms=now_ms)
        if ended != found:
            write_key(settings, ended)
        _print(resource(ended, now_ms=now_ms), as_json=json)
        return os.EX_OK

    return reported(command, as_json=json)


def _lifetime_ms(text: str) -> int:
    try:
        return duration_ms(text)
    except ValueError as error:
        raise usage(f"--expires: {error}") from None


def _shown(key_id: str) -> str:
    """The id as it was given, unless somebody gave the whole key in its place."""
    return key_id if len(key_id) <= ID_DIGITS else "of this id: give the id alone, not the key"


def _print(shown: dict[str, Json], *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        print_fields(shown)


def _row(key: ApiKey, now_ms: int, last_used_ms: int | None) -> tuple[str | Text, ...]:
    status = standing(key, now_ms)
    scopes = ", ".join(sorted(key.scopes))
    times = ("" if at_ms is None else rfc3339(at_ms) for at_ms in (key.expires_at_ms, last_used_ms))
    return key.id, key.tenant, key.brand, key.name, scopes, Text(status.value, style=_STYLES[status]), *times


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
