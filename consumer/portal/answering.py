"""From a visit and a view to the answer."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, Response

from consumer.control.keys import Scope
from consumer.portal.dress import dress
from consumer.portal.rendering import Back, Frame, Tab, render
from consumer.portal.visit import Visit
from consumer.portal.words import words

_TABS: Final = (("webhooks", "webhooks"), ("log", "log"), ("failed", "failed"), ("event_types", "event-types"))
_DONE: Final = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A change was made. `then` is the path of the page to go to; where it is shown at once, `answer` is that page.

    Whoever sends the same form again goes to `then`.
    """

    then: str
    notice: str | None = None
    answer: Response | None = None

    def response(self, visit: Visit) -> Response:
        """The answer to who made it."""
        return self.answer if self.answer is not None else see(self.address(visit))

    def address(self, visit: Visit) -> str:
        """Where to go."""
        return visit.url(self.then, [] if self.notice is None else [(_DONE, self.notice)])


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
    tabs = [Tab(key=f"nav.{key}", url=visit.url(path), current=key == tab) for key, path in _TABS]
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
        ends_in_s=max(0, visit.session.expires_at_ms - visit.now_ms) // 1_000,
        embed=" ".join(grant.embed_origins),
        notice=f"done.{notice}" if f"done.{notice}" in words() else None,
        read_only=not visit.may(Scope.WRITE),
    )


def back_to(return_url: str | None) -> Back | None:
    """A link to where the user came from: it was checked when it was given."""
    return None if return_url is None else Back(url=return_url, host=urlsplit(return_url).hostname or "")
