"""Links that open a customer's pages, and the sessions that come of them.

The laws:
- a link gives no scope that its maker does not hold, and opens its own tenant's pages under its own brand only;
- nothing is stored: a link and a session are signed texts, each of a purpose of its own, so neither is taken for the
  other, and a session's text opens that session and no other one;
- whatever a link opened ends when it says so, with the key that made it, and when its owner ends it (`portal_ends.py`).

A link's text is a secret until it is opened: whoever opens it first has the session. A session's text is its key.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

from consumer.control.key_directory import KeyDirectory
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.control.portal_ends import PortalEnds
from consumer.control.portal_link_ids import PortalLinkIds
from consumer.control.signed_texts import SignedTexts
from consumer.setting_values import ORIGIN
from consumer.settings import ConfigurationError, Settings
from consumer.webhooks.keyring import Keyring

ENTER: Final = "/portal/enter"
TEXT_MOST: Final = 2_900
"""Characters: a browser keeps 4,096 bytes of a cookie, and ten of them fit in a request's head."""

_LINK: Final = b"hookline portal link 1"
_SESSION: Final = b"hookline portal session 1"
_FORM: Final = b"hookline portal form 1"
_ID_BYTES: Final = 12
_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")

Theme: TypeAlias = Literal["auto", "light", "dark"]
LANGUAGES: Final = ("de", "en")
"""That the pages can be in."""
Entropy: TypeAlias = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What is opened, and to whom. `key_id` is the key that made the link; None: the operator did.

    `language` is one of LANGUAGES, None for what the browser asks for.
    `product` narrows the pages to its webhooks. `embed_origins` may frame them. `return_url` is where `user` came from.
    """

    tenant: str
    brand: str
    scopes: frozenset[Scope]
    key_id: str | None
    product: str | None = None
    embed_origins: tuple[str, ...] = ()
    theme: Theme = "auto"
    language: str | None = None
    return_url: str | None = None
    user: str = ""

    @property
    def owner(self) -> Owner:
        """Whose webhooks they are."""
        return Owner(tenant=self.tenant, brand=self.brand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link: it opens `page` until `open_until_ms`, and what it opened ends at `expires_at_ms`."""

    id: str
    grant: Grant
    page: str
    open_until_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a link opened, once. `id` is in the paths of its pages, and no secret."""

    id: str
    link: str
    grant: Grant
    expires_at_ms: int


_Kind = TypeVar("_Kind", Link, Session)


class PortalLinks:
    """Writes and reads both. For many threads."""

    def __init__(self, keyring: Keyring) -> None:
        self._links = SignedTexts(keyring, _LINK)
        self._sessions = SignedTexts(keyring, _SESSION)
        self._forms = SignedTexts(keyring, _FORM)
        self._ids = PortalLinkIds(keyring)

    def new(
        self, grant: Grant, *, page: str, open_within_ms: int, expires_in_ms: int, now_ms: int, entropy: Entropy
    ) -> Link:
        """A link, from now on."""
        expires_at_ms = now_ms + expires_in_ms
        return Link(
            id=self._ids.new(grant.owner, now_ms=now_ms, entropy=entropy),
            grant=grant,
            page=page,
            open_until_ms=min(now_ms + open_within_ms, expires_at_ms),
            expires_at_ms=expires_at_ms,
        )

    def write(self, link: Link) -> str:
        """The link's text."""
        return self._links.write(msgspec.json.encode(link))

    def read(self, text: str, now_ms: int) -> Link | None:
        """The link of this text, if it may still be opened."""
        link = _decoded(self._links.read(text), Link)
        return link if link is not None and now_ms < min(link.open_until_ms, link.expires_at_ms) else None

    def open(self, link: Link, *, now_ms: int, entropy: Entropy) -> tuple[Session, str]:
        """The session that a link opens, and its text, for its cookie. Ids sort by when they were opened."""
        id_ = f"{now_ms:012x}{entropy(_ID_BYTES).hex()}"
        session = Session(id=id_, link=link.id, grant=link.grant, expires_at_ms=link.expires_at_ms)
        return session, self._sessions.write(msgspec.json.encode(session), id_)

    def session(self, id_: str, text: str) -> Session | None:
        """The session of this id by its text, whether it has ended or not."""
        return _decoded(self._sessions.read(text, id_), Session)

    def form_token(self, session: Session) -> str:
        """What shows that a form was on a page of this session."""
        return self._forms.write(b"", session.id)

    def is_form_token(self, text: str, session: Session) -> bool:
        """Whether it is that."""
        return self._forms.read(text, session.id) == b""


def url_of(base: str, text: str) -> str:
    """Where a browser opens it. What stands behind # reaches no server and no log."""
    return f"{base}{ENTER}#{text}"


def holds(session: Session, keys: KeyDirectory, ends: PortalEnds, now_ms: int) -> Session | None:
    """The session with the scopes that it has now; None: it has ended, or was ended, or its key was."""
    grant = session.grant
    if now_ms >= session.expires_at_ms or ends.ended(grant.owner, session.link):
        return None
    if grant.key_id is None:
        return session
    key = keys.get(grant.key_id)
    if key is None or not key.holds(now_ms) or (key.tenant, key.brand) != (grant.tenant, grant.brand):
        return None
    return replace(session, grant=replace(grant, scopes=grant.scopes & key.scopes))


def beyond(origins: Collection[str], settings: Settings) -> list[str]:
    """Those of the origins that may not frame the pages here."""
    return [each for each in origins if each not in settings.portal_embed_origins]


def base_of(settings: Settings) -> str | None:
    """Where browsers reach the pages; None: nowhere.

    Raises:
        ConfigurationError: a cookie that keeps a session cannot be set there.
    """
    url = settings.portal_url
    if url is None or url.startswith("https://") or settings.allow_http or is_local(url):
        return url
    raise ConfigurationError(
        "HOOKLINE_PORTAL_URL", "must begin with https://: without it anybody on the way could read the sessions"
    )


def is_local(origin: str) -> bool:
    """Whether it is this machine, which browsers trust as they trust https."""
    assert ORIGIN.fullmatch(origin)
    host = origin.partition("://")[2]
    return any(host == each or host.startswith(each + ":") for each in _LOCAL)


def _decoded(text: bytes | None, kind: type[_Kind]) -> _Kind | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError:  # of an earlier Hookline
        return None
