"""How a browser's user wants the pages: light or dark, local times or UTC."""

from starlette.responses import Response

from consumer.control.portal_links import base_of
from consumer.portal.answering import see
from consumer.portal.cookies import Jar, look_of
from consumer.portal.visit import Visit


def choose(visit: Visit) -> Response:
    """Remember it in this browser, and go back to where it was chosen."""
    here = visit.form.get("here")
    path = "webhooks" if ".." in here.split("/") else here
    answer = see(visit.url(path))
    base = base_of(visit.services.plane.settings)
    assert base is not None  # or there were no pages
    look = look_of(visit.form.get("theme"), visit.form.get("times"))
    answer.headers.append("Set-Cookie", Jar(base=base).chosen(look, framed=visit.framed))
    return answer
