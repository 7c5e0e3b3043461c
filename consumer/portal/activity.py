"""Who changed a webhook, and when: what the audit log tells of it.

The law: it is shown to whom the API tells it: to whoever administers the tenant's keys.
"""

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from consumer.control.audit import Deed
from consumer.control.cursor import CursorInvalid, list_name
from consumer.control.deeds import Sought, by_told
from consumer.portal.answering import page, see
from consumer.portal.keys_page import offered
from consumer.portal.names import Named, named
from consumer.portal.times import Moment, moment
from consumer.portal.visit import Visit
from consumer.portal.words import words

ON_A_PAGE: Final = 20
_NAMED_MOST: Final = 4
"""Of the fields that were given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRow:
    """One thing that was done. `fields` are the names of what was given, `more` how many others there were."""

    did: str
    fields: tuple[str, ...]
    more: int
    by: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """The page. `partly`: it looked at a part of the audit log, and found nothing."""

    named: Named
    rows: tuple[ActivityRow, ...]
    partly: bool
    list_url: str
    webhook_url: str
    first_url: str | None
    next_url: str | None


def show(visit: Visit) -> Response:
    """The page."""
    of = visit.webhook(visit.params["webhook"])
    path, listed = f"webhooks/{of.id}/activity", list_name("portal activity", [of.id])
    cursors, place = visit.services.cursors, visit.query.get("cursor")
    try:
        before = cursors.read(place, int, owner=visit.owner, of=listed) if place else None
    except CursorInvalid:
        return see(visit.url(path))
    sought = Sought(tenant=visit.owner.tenant, brand=visit.owner.brand, target=of.id)
    found = visit.services.deeds.page(sought, before=before, limit=ON_A_PAGE)
    then = None if found.before is None else cursors.write(found.before, owner=visit.owner, of=listed)
    view = Activity(
        named=named(of),
        rows=tuple(_row(visit, each) for each in found.found),
        partly=found.before is not None and not found.found,
        list_url=visit.url("webhooks"),
        webhook_url=visit.url(f"webhooks/{of.id}"),
        first_url=visit.url(path) if place else None,
        next_url=None if then is None else visit.url(path, [("cursor", then)]),
    )
    return page(visit, "activity.html", view, title=words().say("activity.title"), tab="webhooks")


def _row(visit: Visit, deed: Deed) -> ActivityRow:
    key = f"activity.did.{deed.action}"
    return ActivityRow(
        did=words().say(key) if key in words() else deed.action,
        fields=deed.fields[:_NAMED_MOST],
        more=max(0, len(deed.fields) - _NAMED_MOST),
        by=_by(visit, deed),
        at=moment(deed.at_ms, visit.now_ms),
    )


def _by(visit: Visit, deed: Deed) -> Markup:
    """Who did it: a key by its name, where there are keys; somebody on the pages as the link names him."""
    kind, _, id_ = by_told(deed, to_operator=False).partition(":")
    match kind:
        case "key" if not offered(visit):
            return words().say("activity.by.some_key")
        case "key":
            key = visit.services.plane.keys.get(id_)
            return words().say("activity.by.key", name=id_ if key is None else key.name or id_)
        case "link" if deed.user:
            return words().say("activity.by.user", name=deed.user)
        case "link":
            return words().say("activity.by.somebody")
        case _:
            return words().say("activity.by.operator")
