"""The page that a link leads to, and the session that it opens.

The laws:
- a link is used by whoever presses "Continue", or whose browser does it for him; a preview that only looks at its
  address uses nothing. Every link that opens nothing, whyever, gets one and the same page;
- in a frame a link is used only when the browser has shown that it keeps cookies there. Where it does not, the same
  link opens in a window of its own.

    POST link ─► a cookie, and 307: the same once more ─► it came back: the session
                                                        └► it did not: "Open in a new window", with the link
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response

from consumer.api.services import Plane
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
_TRIED: Final = "tried"
_MARGIN_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter:
    """The page. `link` is what stood in the address's query: empty where it is behind the #.

    `window`: it opens in a window of its own, because the frame keeps no cookies.
    """

    link: str
    action: str
    window: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Answers there. `opened` remembers which links were used."""

    links: PortalLinks
    jar: Jar
    opened: Opened
    plane: Plane
    now_ms: Callable[[], int]

    def answer(self, headers: Headers, query: Fields, form: Fields | None) -> Response:
        """The page, or where the link leads."""
        if form is None:
            view = Enter(link=query.get(_LINK), action=PATH, window=False)
            return HTMLResponse(render("enter.html", view=view, title=words().say("enter.title")))
        # A page of another origin has no link's text, so what it could open is its own: no token is needed.
        link = self.links.read(form.get(_LINK), self.now_ms())
        if link is None:
            return _used()
        if _framed(link, headers) and not self.jar.tried(cookies_of(headers)):
            return self._window(form) if _TRIED in query else self._try()
        return self._enter(link, headers)

    def _try(self) -> Response:
        """The same request once more, with a cookie if the browser keeps one here."""
        again = Response(status_code=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": f"{PATH}?{_TRIED}=1"})
        again.headers.append("Set-Cookie", self.jar.trial())
        return again

    def _window(self, form: Fields) -> Response:
        """A page that opens the link outside of the frame."""
        view = Enter(link=form.get(_LINK), action=PATH, window=True)
        return HTMLResponse(render("enter.html", view=view, title=words().say("enter.window_title")))

    def _enter(self, link: Link, headers: Headers) -> Response:
        now_ms = self.now_ms()
        session, text = self.links.open(link, now_ms=now_ms, entropy=secrets.token_bytes)
        if holds(session, self.plane.keys, self.plane.portal_ends, now_ms) is None:
            return _used()
        if not self.opened.first(link.id, link.open_until_ms - now_ms + _MARGIN_MS):
            return _used()
        framed = _framed(link, headers)
        answer = see(f"{SESSIONS}{session.id}{link.page}")
        cookies = cookies_of(headers)
        for each in self.jar.entered(session, text, cookies, now_ms=now_ms, framed=framed):
            answer.headers.append("Set-Cookie", each)
        return answer


def _framed(link: Link, headers: Headers) -> bool:
    """Whether it is opened in a frame. A browser that does not say is believed to do what the link is for."""
    return bool(link.grant.embed_origins) and headers.get("sec-fetch-dest") in {None, "iframe", "frame"}


def _used() -> Response:
    return refused.plain(HTTPStatus.FORBIDDEN, key="refused.used")
