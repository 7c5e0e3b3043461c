"""From a visit and a view to the answer."""

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from starlette.responses import HTMLResponse, Response

from consumer.control.keys import Scope
from consumer.control.portal_links import Grant, base_of
from consumer.portal.dress import dress
from consumer.portal.rendering import Back, Frame, Tab, render
from consumer.portal.visit import Visit
from consumer.portal.words import words

_TABS: Final = (
    ("webhooks", "webhooks"),
    ("log", "log"),
    ("failed", "failed"),
    ("jobs", "jobs"),
    ("event_types", "event-types"),
)
_DONE: Final = "done"
GO: Final = "/portal/go"
"""Leads to a page of the session that a browser is in."""
PATH: Final = "{path}"
"""In a link's `returnUrl`: where the path of a page stands on the host's own site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A change was made. `then` is the path of the page to go to, and `pairs` its query.

    Where it is shown at once, `answer` is that page. Whoever sends the same form again goes to `then`. `made` is the id
    of what came of it, where that is new.
    """

    then: str
    pairs: tuple[tuple[str, str], ...] = ()
    notice: str | None = None
    answer: Response | None = None
    made: str = ""

    def response(self, visit: Visit) -> Response:
        """The answer to who made it."""
        return self.answer if self.answer is not None else see(self.address(visit))

    def address(self, visit: Visit) -> str:
        """Where to go."""
        return visit.url(self.then, [*self.pairs, *([] if self.notice is None else [(_DONE, self.notice)])])


def see(url: str) -> Response:
    """Go there, by GET."""
    return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": url})


def page(
    visit: Visit, template: str, view: object, *, title: str, tab: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """A page of a session. `title` is its `h1`, `tab` where it belongs."""
    html = render(template, frame=frame_of(visit, tab), view=view, title=title)
    return HTMLResponse(html, status_code=status)


def frame_of(visit: Visit, tab: str) -> Frame:
    """What is around it."""
    grant = visit.session.grant
    notice = visit.query.get(_DONE)
    # Of keys only those are told who administer them, for all products (keys_page.py).
    keys = (("keys", "keys"),) if visit.may(Scope.ADMIN) and grant.product is None else ()
    tabs = [Tab(key=f"nav.{key}", url=visit.url(path), current=key == tab) for key, path in (*_TABS, *keys)]
    return Frame(
        brand=visit.brand.look.title,
        dress=dress(visit.brand.look),
        support_url=visit.brand.look.support_url,
        home=visit.url("webhooks"),
        tabs=tuple(tabs),
        theme=visit.look.theme or grant.theme,
        times=visit.look.times,
        look_url=visit.url("look"),
        here=visit.path,
        token=visit.token,
        once=visit.once,
        user=grant.user,
        back=back_to(grant.return_url),
        share_url=share_url(visit),
        session=visit.session.id,
        whose=_whose(grant),
        now_ms=visit.now_ms,
        ends_in_s=max(0, visit.session.expires_at_ms - visit.now_ms) // 1_000,
        embed=" ".join(grant.embed_origins),
        notice=f"done.{notice}" if f"done.{notice}" in words() else None,
        read_only=not visit.may(Scope.WRITE),
    )


def _whose(grant: Grant) -> str:
    parts = "\0".join((grant.brand, grant.tenant, grant.product or "", grant.user))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def back_to(return_url: str | None) -> Back | None:
    """A link to where the user came from: it was checked when it was given."""
    if return_url is None:
        return None
    url = return_url.replace(PATH, "")
    return Back(url=url, host=urlsplit(url).hostname or "")


def share_url(visit: Visit) -> str:
    """The address of this page for others: on the host's own site where it says how, else one for whoever is in."""
    host = visit.session.grant.return_url or ""
    if PATH in host:
        return host.replace(PATH, "/" + quote(visit.path, safe="/"))
    return f"{base_of(visit.services.plane.settings)}{GO}?{urlencode([('to', visit.path)])}"
