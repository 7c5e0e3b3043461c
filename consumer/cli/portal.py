"""`hookline portal`: links to a customer's pages, an operator's way or a customer's (see `access.py`).

The law: a link is a secret until it is opened, and works once: it is printed by the command that made it.
"""

import os
import secrets
import time
import webbrowser
from typing import Annotated
from urllib.parse import quote

from cyclopts import App, Parameter

from consumer.brands.brand import Brand
from consumer.brands.loader import brand as brand_named
from consumer.cli.access import Access, credentials
from consumer.cli.api_client import ApiClient
from consumer.cli.deeds import tell
from consumer.cli.exits import bad_input, usage
from consumer.cli.output import print_json
from consumer.cli.reach import installation
from consumer.cli.webhook_port import DEFAULT_BRAND, Shown
from consumer.configuration import load
from consumer.control.keys import USUAL_SCOPES, Scope
from consumer.control.owner import Owner
from consumer.control.portal_ends import PortalEnd, encode, record_key
from consumer.control.portal_link_ids import LONGEST_MS, PortalLinkIds
from consumer.control.portal_links import Grant, PortalLinks, base_of, url_of
from consumer.json import Json
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.setting_values import duration_ms
from consumer.settings import ConfigurationError, Settings
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.fields import check_tenant
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.wrong import FieldInvalid

app = App(name="portal", help="Make links to the pages for a customer, and end them.")

_OPEN_WITHIN_MS = 600_000
_SHORTEST_MS = 60_000


@app.command
def link(
    *,
    scope: Annotated[
        list[Scope] | None,
        Parameter(negative=(), help="May be repeated. Default: all but admin, as far as --key has them."),
    ] = None,
    expires: Annotated[str, Parameter(help="What it opens ends after so long, as in 1h.")] = "1h",
    page: Annotated[str, Parameter(help="The page that it opens, as in /log.")] = "/webhooks",
    open: Annotated[bool, Parameter(negative=(), help="Open it in this machine's browser.")] = False,  # noqa: A002 # the flag
    access: Access | None = None,
    json: Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")] = False,
) -> int:
    """Print a link to the pages of --tenant. It works once, within ten minutes."""
    asked, lifetime_ms = access or Access(), _lifetime_ms(expires)
    settings = load()
    made = (
        _direct(settings, asked, scope, page, lifetime_ms)
        if asked.api is None
        else _remote(settings, asked, scope, page, lifetime_ms)
    )
    if json:
        print_json(made)
    else:
        print(made["url"])  # noqa: T201 # its output is its purpose
    if open:
        webbrowser.open(str(made["url"]))
    return os.EX_OK


@app.command
def revoke(
    link: str | None = None,
    /,
    *,
    access: Access | None = None,
    json: Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")] = False,
) -> int:
    """End what a link of --tenant opened, or would open; without LINK, its id, what all of them opened."""
    asked, settings = access or Access(), load()
    if asked.api is None:
        ended = _ended_directly(settings, asked, link)
    else:
        ended = _ended_remotely(settings, asked, asked.api, link)
    if json:
        print_json(ended)
    else:
        print("ended, from the next request on")  # noqa: T201 # its output is its purpose
    return os.EX_OK


def _ended_directly(settings: Settings, asked: Access, link: str | None) -> Shown:
    """By a record on the state topic."""
    tenant, brand = _whose(settings, asked, "whose links are to end")
    owner = Owner(tenant=tenant, brand=brand.name)
    if link is not None and not PortalLinkIds(Keyring.from_settings(settings)).made_for(link, owner):
        raise bad_input(f"there is no link {link} of {tenant}'s, brand {brand.name}")
    end = PortalEnd(tenant=tenant, brand=brand.name, link=link, ended_at_ms=time.time_ns() // 1_000_000)
    reached = installation(settings, lambda topics: [topics.state])
    write_now(reached, [NewRecord(topic=Topics.of(reached).state, key=record_key(owner, link), value=encode(end))])
    action = "endPortalLinks" if link is None else "endPortalLink"
    tell(reached, action, tenant=tenant, brand=brand.name, target=link or "")
    return {"object": "portal_links", "ended": True} if link is None else _ended(link)


def _ended(link: str) -> Shown:
    return {"id": link, "object": "portal_link", "ended": True}


def _ended_remotely(settings: Settings, asked: Access, api: str, link: str | None) -> Shown:
    with ApiClient(api, credentials(asked, settings)) as client:
        path = client.brand.api.base_path.rpartition("/")[0] + "/portal-links"
        return client.ask("DELETE", path if link is None else f"{path}/{quote(link, safe='')}")


def _whose(settings: Settings, asked: Access, why: str) -> tuple[str, Brand]:
    if asked.tenant is None:
        raise usage(f"give --tenant, {why}", field="--tenant")
    try:
        tenant = check_tenant("tenant", asked.tenant)
    except FieldInvalid as error:
        raise usage(f"--tenant {error.message}", field="--tenant") from None
    return tenant, brand_named(asked.brand or DEFAULT_BRAND, settings.brands_dir)


def _direct(settings: Settings, asked: Access, scopes: list[Scope] | None, page: str, lifetime_ms: int) -> Shown:
    """By the keys that sign: nothing is asked, and nothing is stored."""
    tenant, brand = _whose(settings, asked, "whose pages it opens")
    base = base_of(settings)
    if base is None:
        raise ConfigurationError("HOOKLINE_PORTAL_URL", "is not set: it says where browsers reach the pages")
    grant = Grant(tenant=tenant, brand=brand.name, scopes=frozenset(scopes or USUAL_SCOPES), key_id=None)
    links = PortalLinks(Keyring.from_settings(settings))
    made = links.new(
        grant,
        page=page,
        open_within_ms=_OPEN_WITHIN_MS,
        expires_in_ms=lifetime_ms,
        now_ms=time.time_ns() // 1_000_000,
        entropy=secrets.token_bytes,
    )
    return {
        "id": made.id,
        "object": "portal_link",
        "url": url_of(base, links.write(made)),
        "openUntil": rfc3339(made.open_until_ms),
        "expiresAt": rfc3339(made.expires_at_ms),
    }


def _remote(settings: Settings, asked: Access, scopes: list[Scope] | None, page: str, lifetime_ms: int) -> Shown:
    assert asked.api is not None
    body: dict[str, Json] = {"page": page, "expiresIn": lifetime_ms // 1_000}
    if scopes is not None:
        body["scopes"] = [each.value for each in scopes]
    with ApiClient(asked.api, credentials(asked, settings)) as client:
        return client.ask("POST", client.brand.api.base_path.rpartition("/")[0] + "/portal-links", body)


def _lifetime_ms(text: str) -> int:
    try:
        lifetime_ms = duration_ms(text)
    except ValueError as error:
        raise usage(f"--expires: {error}", field="--expires") from None
    if not _SHORTEST_MS <= lifetime_ms <= LONGEST_MS:
        raise usage("--expires: must be between 1m and 7d", field="--expires")
    return lifetime_ms
