"""An address that is good for whoever is in: it leads to a page of the session that this browser has.

The law: it leads to a page of ours and nowhere else, and never from one customer's session into another's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import Response

from consumer.api.services import Plane
from consumer.brands.brand import Brand
from consumer.control.portal_links import PortalLinks, Session, holds
from consumer.portal import refused
from consumer.portal.answering import see
from consumer.portal.cookies import Jar, cookies_of
from consumer.portal.routes import Route, found
from consumer.portal.visit import SESSIONS, Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """Answers there."""

    links: PortalLinks
    jar: Jar
    plane: Plane
    routes: Sequence[Route]
    brands: Mapping[str, Brand]
    now_ms: Callable[[], int]

    def answer(self, headers: Headers, query: Fields) -> Response:
        """Where it leads; or the page of a session that has timed out."""
        cookies, to = cookies_of(headers), query.get("to")
        page = None if ".." in to.split("/") else found(self.routes, to)
        ended: Session | None = None
        live: list[Session] = []
        for session_id in self.jar.sessions(cookies):
            session = self.links.session(session_id, self.jar.text_of(session_id, cookies) or "")
            if session is None:
                continue
            held = holds(session, self.plane.keys, self.plane.portal_ends, self.now_ms())
            if held is None:
                ended = session
            else:
                live.append(held)
        whose = {(each.grant.owner, each.grant.product) for each in live}
        if page is None or page[0].show is None or len(whose) != 1:
            return refused.timed_out(ended if not live else None, self.brands, self.jar.look(cookies))
        return see(f"{SESSIONS}{live[-1].id}/{quote(to, safe='/-._~')}")
