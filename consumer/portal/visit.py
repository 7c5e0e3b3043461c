"""One request for a page: who asks, for what, with what.

The law: whoever makes a page asks a visit, and nobody else, for webhooks, the log and what its session may do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from consumer.api.caller import Caller
from consumer.api.services import Services
from consumer.brands.brand import Brand
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.control.portal_links import Session
from consumer.control.refusal import WebhookUnknown
from consumer.portal.cookies import Look
from consumer.portal.statistics import Statistics
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.subscription import Subscription

SESSIONS: Final = "/portal/s/"
LOOKED_AT_MOST: Final = 2_000
"""Of a tenant's webhooks: so many are sorted, and so many may be chosen from."""
_FIELDS_MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A query or a form: names and values, in their order."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, text: str) -> "Fields":
        """From `application/x-www-form-urlencoded`. Raises ValueError: there are too many."""
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_FIELDS_MOST)
        return cls(pairs=tuple(pairs))

    def get(self, name: str, default: str = "") -> str:
        """The first value, without space around it."""
        return next((value.strip() for key, value in self.pairs if key == name), default)

    def raw(self, name: str, default: str = "") -> str:
        """The first value, as it came."""
        return next((value for key, value in self.pairs if key == name), default)

    def all(self, name: str) -> list[str]:
        """Every value that says something."""
        return [value.strip() for key, value in self.pairs if key == name and value.strip()]

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """`params` are what the path names, `form` what was posted; `token` and `once` are for the forms of the answer.

    `language` is what the page is in.
    """

    session: Session
    caller: Caller
    brand: Brand
    services: Services
    statistics: Statistics
    now_ms: int
    path: str
    params: Mapping[str, str]
    query: Fields
    look: Look
    language: str
    token: str
    once: str
    framed: bool
    request_id: str
    form: Fields = field(default_factory=Fields, repr=False)

    @property
    def owner(self) -> Owner:
        """Whose pages these are."""
        return self.session.grant.owner

    def may(self, scope: Scope) -> bool:
        """Whether the session may do that."""
        return scope in self.caller.scopes

    def url(self, path: str = "", pairs: Sequence[tuple[str, str]] = ()) -> str:
        """The address of a page of this session."""
        query = f"?{urlencode(pairs)}" if pairs else ""
        return f"{SESSIONS}{self.session.id}/{quote(path, safe='/-._~')}{query}"

    # ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────

    def webhook(self, id_: str) -> Subscription:
        """One of its webhooks. Raises WebhookUnknown."""
        found = self.services.plane.webhooks.get(self.owner, id_)
        if self.session.grant.product not in {None, found.product}:
            raise WebhookUnknown(id_)
        return found

    def webhook_if_any(self, id_: str) -> Subscription | None:
        """The same; None: there is none, or no more."""
        try:
            return self.webhook(id_)
        except WebhookUnknown:
            return None

    def webhooks(self, most: int = LOOKED_AT_MOST) -> tuple[list[Subscription], bool]:
        """So many of its webhooks, oldest first, and whether there are more."""
        chosen = Chosen(product=self.session.grant.product)
        found: list[Subscription] = []
        after: tuple[int, str] | None = None
        while True:
            page, after = self.services.plane.webhooks.page(self.owner, after, most - len(found), chosen)
            found += page
            if after is None or len(found) >= most:
                return found, after is not None

    def narrowed(self) -> frozenset[str] | None:
        """The webhooks that the log is shown of; None: all of the tenant's."""
        if self.session.grant.product is None:
            return None
        return frozenset(each.id for each in self.webhooks()[0])
