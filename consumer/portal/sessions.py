"""From a request's path and cookie to its session.

The law: a page is shown to whoever has the session's key, while the session, its link and the key that made it hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consumer.api.caller import Caller
from consumer.api.services import Plane
from consumer.control.portal_links import PortalLinks, Session, holds
from consumer.portal.cookies import Jar
from consumer.portal.visit import SESSIONS

_ID_MOST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a path below the sessions asks: which session, and which page of it."""

    session_id: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSession:
    """A session as its browser shows it. `live` is None where it has ended; then `ended` still tells whose it was."""

    live: Session | None
    ended: Session | None


def asked(path: str) -> Asked | None:
    """None: the path is not below a session."""
    if not path.startswith(SESSIONS):
        return None
    session_id, _, page = path.removeprefix(SESSIONS).partition("/")
    return Asked(session_id=session_id, page=page) if 0 < len(session_id) <= _ID_MOST else None


def known(
    wanted: Asked, cookies: Mapping[str, str], *, jar: Jar, links: PortalLinks, plane: Plane, now_ms: int
) -> ShownSession:
    """The session that is asked for, by this browser."""
    text = jar.text_of(wanted.session_id, cookies)
    session = None if text is None else links.session(wanted.session_id, text)
    return ShownSession(
        live=None if session is None else holds(session, plane.keys, plane.portal_ends, now_ms), ended=session
    )


def caller_of(session: Session) -> Caller:
    """Whom it acts for."""
    grant = session.grant
    return Caller(
        owner=grant.owner, key_id=grant.key_id, scopes=grant.scopes, credential=f"portal session {session.id}"
    )
