"""The lists of the delivery log: what is asked, looked for and told alike for deliveries and for attempts.

The law: a cursor goes on in its own list, with its own filters, for its own customer; and whoever may not see bodies
cannot learn of them by searching.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from starlette.responses import Response

from consumer.api import answers
from consumer.api.call import Call
from consumer.api.log_models import AttemptQuery, DeliveryQuery, Sought
from consumer.api.log_query import name_of, query_of
from consumer.api.moments import now_ms, time_of
from consumer.api.site import Site
from consumer.control.cursor import CursorInvalid
from consumer.control.keys import Scope
from consumer.json import Json
from consumer.log.listing import Listing
from consumer.log.query import Cursor, Page, Position, Row, View
from consumer.log.resource import Sight, Tiers
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong

Show: TypeAlias = Callable[[Row, Sight], Json]
_AFTER: Final = "after "


def tiers_of(settings: Settings) -> Tiers:
    """The delay topics of this installation."""
    names = ("0s", *settings.retry_delays)
    return Tiers(
        names=names,
        delays_ms=settings.retry_delays_ms,
        retry_for_ms=duration_ms(settings.retry_for),
    )


def sight(site: Site, call: Call) -> Sight:
    """What this caller sees now."""
    settings = site.services.plane.settings
    return Sight(
        tiers=tiers_of(settings),
        now_ms=now_ms(),
        bodies=Scope.BODIES in call.caller.scopes,
        brand=site.brand,
        kept_for_ms=site.services.attempts_kept_ms(),
    )


def listed(site: Site, call: Call, view: View, asked: AttemptQuery | DeliveryQuery, show: Show) -> Response:
    """The answer to a list."""
    name = name_of(view.value, asked)
    found = _found(site, call, view, asked, name)
    owner, write = call.caller.owner, site.services.cursors.write
    seen = sight(site, call)
    told: dict[str, Json] = {
        "latestCursor": write(found.latest, owner=owner, of=_AFTER + name),
        "asOf": time_of(found.as_of_ms),
        "indexedFrom": time_of(found.indexed_from_ms),
        "searchedTo": time_of(found.searched_to_ms),
    }
    then = None if found.next is None else write(found.next, owner=owner, of=name)
    return answers.response(answers.page(site.brand, [show(row, seen) for row in found.rows], then, **told))


def listing(call: Call, view: View, asked: Sought) -> Listing:
    """The caller's own list. Raises FieldInvalid; Refusal: 403, it looks into bodies."""
    owner, query = call.caller.owner, query_of(asked, now_ms())
    if asked.contains is not None:
        call.caller.need(Scope.BODIES)
    return Listing(view=view, tenant=owner.tenant, brand=owner.brand, query=query, text=asked.contains)


def _found(site: Site, call: Call, view: View, asked: AttemptQuery | DeliveryQuery, name: str) -> Page:
    owner, services = call.caller.owner, site.services
    wanted = listing(call, view, asked)
    if asked.after is None:
        cursor = None if asked.cursor is None else services.cursors.read(asked.cursor, Cursor, owner=owner, of=name)
        return wanted.page(services.log, services.archive, limit=asked.limit, cursor=cursor)
    if asked.cursor is not None:
        raise FieldInvalid(Wrong(field="after", code=Code.DUPLICATE, message="give it or cursor, not both"))
    try:
        after = services.cursors.read(asked.after, Position, owner=owner, of=_AFTER + name)
    except CursorInvalid as error:
        wrong = "is no latestCursor of this list: take it unchanged, and with the page's filters"
        raise FieldInvalid(Wrong(field="after", code=Code.MALFORMED, message=wrong)) from error
    return wanted.newer(services.log, services.archive, limit=asked.limit, after=after)
