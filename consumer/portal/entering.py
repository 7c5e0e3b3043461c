"""The page that a link leads to, and the session that it opens.

The law: a link is used by whoever presses "Continue", or whose browser does it for him; a preview that only looks at
its address uses nothing. Every link that opens nothing, whyever, gets one and the same page.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response

from consumer.control.key_directory import KeyDirectory
from consumer.control.portal_links import ENTER, Link, PortalLinks, holds
from consumer.portal import refused
from consumer.portal.answering import see
from consumer.portal.cookies import Jar, cookies_of
from consumer.portal.opened import Opened
from consumer.portal.rendering import render
from consumer.portal.visit import SESSIONS, Fields
from consumer.portal.words import words

PATH: Final = ENTER
_LINK: Final = "link"
_MARGIN_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter:
    """The page. `link` is what stood in the address's query: empty where it is behind the #."""

    link: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Answers there. `opened` remembers which links were used."""

    links: PortalLinks
    jar: Jar
    opened: Opened
    keys: KeyDirectory
    now_ms: Callable[[], int]

    def answer(self, headers: Headers, query: Fields, form: Fields | None) -> Response:
        """The page, or where the link leads."""
        if form is None:
            view = Enter(link=query.get(_LINK), action=PATH)
            return HTMLResponse(render("enter.html", view=view, title=words().say("enter.title")))
        # A page of another origin has no link's text, so what it could open is its own: no token is needed.
        link = self.links.read(form.get(_LINK), self.now_ms())
        return _used() if link is None else self._enter(link, headers)

    def _enter(self, link: Link, headers: Headers) -> Response:
        now_ms = self.now_ms()
        session, text = self.links.open(link, now_ms=now_ms, entropy=secrets.token_bytes)
        if holds(session, self.keys, now_ms) is None:
            return _used()
        if not self.opened.first(link.id, link.open_until_ms - now_ms + _MARGIN_MS):
            return _used()
        framed = headers.get("sec-fetch-dest") == "iframe" and bool(link.grant.embed_origins)
        answer = see(f"{SESSIONS}{session.id}{link.page}")
        cookies = cookies_of(headers)
        for each in self.jar.entered(session, text, cookies, now_ms=now_ms, framed=framed):
            answer.headers.append("Set-Cookie", each)
        return answer


def _used() -> Response:
    return refused.plain(HTTPStatus.FORBIDDEN, key="refused.used")
