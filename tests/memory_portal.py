"""The pages on topics in memory: the real application, fakes where Kafka, Redis, the DNS and the endpoints would be."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import httpx2
import msgspec

from consumer.console.application import with_console
from consumer.control.keys import USUAL_SCOPES, Scope
from consumer.control.owner import Owner
from consumer.control.portal_links import Grant, PortalLinks
from consumer.kafka.writing import NewRecord
from consumer.log.listing import Lists
from consumer.portal.application import with_pages
from consumer.portal.statistics import Day
from consumer.settings import Settings
from consumer.webhooks.draft import suspend
from consumer.webhooks.record import rewrite_of
from tests.html import Page, read
from tests.memory_api import OWNER, PORTAL, SETTINGS, MemoryApi
from tests.memory_console import MemoryConsole
from tests.web import Client

NAVIGATED: Final = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}


class Opened:
    """Which links were used; `away` is Redis being so."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def first(self, link_id: str, for_ms: int) -> bool:
        assert for_ms > 0
        fresh = link_id not in self.used
        self.used.add(link_id)
        return fresh


class Statistics:
    """Days that a test wrote."""

    def __init__(self) -> None:
        self.known: dict[str, Day] = {}

    def read(self, ids: Sequence[str]) -> Mapping[str, Day]:
        return {id_: self.known[id_] for id_ in ids if id_ in self.known}


class Browser:
    """One person's browser, in one session. Pages are asked for by their paths below it."""

    def __init__(self, client: httpx2.Client, base: str) -> None:
        self.client = client
        self.base = base

    def get(self, path: str, **query: str) -> httpx2.Response:
        return self.client.get(f"{self.base}/{path}", params=query or None, follow_redirects=False)

    def page(self, path: str, expected: int = 200, **query: str) -> Page:
        """The page there, read."""
        answer = self.get(path, **query)
        assert answer.status_code == expected, (answer.status_code, answer.headers, answer.text[-800:])
        return read(answer.text)

    def post(self, path: str, fields: Mapping[str, str | list[str]], **headers: str) -> httpx2.Response:
        """A form as it is sent by a page of ours, without what a form of ours holds besides."""
        return self.client.post(
            f"{self.base}/{path}", data=dict(fields), headers=NAVIGATED | headers, follow_redirects=False
        )

    def submit(self, page: Page, path: str, fields: Mapping[str, str | list[str]] | None = None) -> httpx2.Response:
        """The form of this page that is sent there, filled in."""
        form = page.form(f"{self.base}/{path}")
        return self.post(path, form | dict(fields or {}))


class MemoryPortal:
    """One process. `log` is where lists of the delivery log are read, if not from the one in memory."""

    def __init__(
        self, *, settings: Settings = SETTINGS, brands: Sequence[str] = ("hookline",), log: Lists | None = None
    ) -> None:
        self.api = MemoryApi(settings=settings, brands=brands)
        services = self.api.services if log is None else replace(self.api.services, log=log)
        self.opened = Opened()
        self.statistics = Statistics()
        self.links = PortalLinks(self.api.plane.keyring)
        pages = with_pages(
            self.api.app,
            services,
            self.api.brands,
            opened=self.opened,
            statistics=self.statistics,
        )
        self.console = MemoryConsole(self.api.plane, self.api.healths, self.api.jobs, self.api.services.deeds)
        self.app = with_console(pages, self.api.plane, self.api.brands, self.console.sources, self.api.services.audit)
        self.now_ms = _now_ms

    def suspend(self, webhook: str, owner: Owner = OWNER) -> None:
        """As the role `log` does when an endpoint only fails."""
        self.api.plane.fresh()
        new = rewrite_of(suspend(self.api.plane.webhooks.get(owner, webhook), reason="it failed", now_ms=_now_ms()))
        self.api.topics.subscriptions.write(NewRecord(topic="s", key=new.key, value=new.value, headers=new.headers))

    def client(self) -> Client:
        """A browser that was nowhere yet."""
        return Client(self.app, base_url=self.api.plane.settings.portal_url or PORTAL)

    def link(self, *scopes: Scope, expires_in_ms: int = 3_600_000, page: str = "/webhooks", **grant: Any) -> str:  # noqa: ANN401 # fields of every type
        """The text of a link."""
        fields = {"tenant": "acme", "brand": "hookline", "key_id": None, "scopes": frozenset(scopes or USUAL_SCOPES)}
        made = self.links.new(
            Grant(**(fields | grant)),
            page=page,
            open_within_ms=600_000,
            expires_in_ms=expires_in_ms,
            now_ms=self.now_ms(),
            entropy=os.urandom,
        )
        return self.links.write(made)

    def enter(
        self,
        *scopes: Scope,
        client: Client | None = None,
        text: str | None = None,
        **fields: Any,  # noqa: ANN401 # same
    ) -> Browser:
        """A session by a link, or by one of this text, in a new browser or in this one."""
        client = client or self.client()
        link = text or self.link(*scopes, **fields)
        answer = client.post("/portal/enter", data={"link": link}, headers=NAVIGATED, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return Browser(client, "/".join(answer.headers["location"].split("/")[:4]))


def expired(portal: MemoryPortal, browser: Browser) -> Client:
    """A browser whose session, the same as this one's, has ended."""
    session = browser.base.split("/")[-1]
    known = portal.links.session(session, browser.client.cookies[f"__Host-hl-{session}"])
    assert known is not None
    past = replace(known, expires_at_ms=portal.now_ms() - 1)
    late = portal.client()
    late.cookies.set(f"__Host-hl-{session}", portal.links._sessions.write(msgspec.json.encode(past), session))
    return late


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def webhook(portal: MemoryPortal, **fields: Any) -> str:  # noqa: ANN401 # fields of every type
    """A new webhook of acme's. Returns its id."""
    return str(portal.api.webhook(portal.api.client(), **fields)["id"])
