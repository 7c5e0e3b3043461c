"""The lists of the delivery log: what is asked, looked for and told alike for deliveries and for attempts.

The law: a cursor goes on in its own list, with its own filters, for its own customer; and whoever may not see bodies
cannot learn of them by searching.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeAlias

from starlette.responses import Response

from consumer.api import answers
from consumer.api.call import Call
from consumer.api.log_models import AttemptQuery, DeliveryQuery, Sought
from consumer.api.log_query import name_of, query_of
from consumer.api.site import Site
from consumer.control.cursor import CursorInvalid
from consumer.control.keys import Scope
from consumer.json import Json
from consumer.log.bodies import Search
from consumer.log.query import Cursor, Page, Position, Query, Row, View
from consumer.log.resource import Sight, Tiers
from consumer.settings import Settings, duration_ms
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong

Show: TypeAlias = Callable[[Row, Sight], Json]
_AFTER: Final = "after "
_PART: Final = 500
"""Rows of a part of a list that is wanted whole."""


def now_ms() -> int:
    """What time it is."""
    return time.time_ns() // 1_000_000


def tiers_of(settings: Settings) -> Tiers:
    """The delay topics of this installation."""
    names = ("0s", *settings.retry_delays)
    return Tiers(
        names=names,
        delays_ms=tuple(duration_ms(name) for name in names),
        retry_for_ms=duration_ms(settings.retry_for),
    )


def sight(site: Site, call: Call) -> Sight:
    """What this caller sees now."""
    settings = site.services.plane.settings
    return Sight(tiers=tiers_of(settings), now_ms=now_ms(), bodies=Scope.BODIES in call.caller.scopes, brand=site.brand)


def listed(site: Site, call: Call, view: View, asked: AttemptQuery | DeliveryQuery, show: Show) -> Response:
    """The answer to a list."""
    name = name_of(view.value, asked)
    found = _found(site, call, view, asked, name)
    owner, write = call.caller.owner, site.services.cursors.write
    seen = sight(site, call)
    told: dict[str, Json] = {
        "latestCursor": write(found.latest, owner=owner, of=_AFTER + name),
        "asOf": _time(found.as_of_ms),
        "indexedFrom": _time(found.indexed_from_ms),
        "searchedTo": _time(found.searched_to_ms),
    }
    then = None if found.next is None else write(found.next, owner=owner, of=name)
    return answers.response(answers.page(site.brand, [show(row, seen) for row in found.rows], then, **told))


def searching(call: Call, view: View, asked: Sought, query: Query) -> Search | None:
    """What is sought in bodies, if anything is. Raises Refusal: 403."""
    if asked.contains is None:
        return None
    call.caller.need(Scope.BODIES)
    owner = call.caller.owner
    return Search(view=view, tenant=owner.tenant, brand=owner.brand, query=query, text=asked.contains)


def _found(site: Site, call: Call, view: View, asked: AttemptQuery | DeliveryQuery, name: str) -> Page:
    owner, services = call.caller.owner, site.services
    query = query_of(asked, now_ms())
    search = searching(call, view, asked, query)
    if asked.after is not None:
        if asked.cursor is not None:
            raise FieldInvalid(Wrong(field="after", code=Code.DUPLICATE, message="give it or cursor, not both"))
        try:
            after = services.cursors.read(asked.after, Position, owner=owner, of=_AFTER + name)
        except CursorInvalid as error:
            wrong = "is no latestCursor of this list: take it unchanged, and with the page's filters"
            raise FieldInvalid(Wrong(field="after", code=Code.MALFORMED, message=wrong)) from error
        page = services.log.newer(
            view, tenant=owner.tenant, brand=owner.brand, query=query, limit=asked.limit, after=after
        )
        if search is None:
            return page
        return replace(page, rows=search.rows(services.archive, page.rows, monotonic_s=time.monotonic))
    cursor = None if asked.cursor is None else services.cursors.read(asked.cursor, Cursor, owner=owner, of=name)
    if search is not None:
        return search.page(services.log, services.archive, limit=asked.limit, cursor=cursor, monotonic_s=time.monotonic)
    return services.log.page(
        view, tenant=owner.tenant, brand=owner.brand, query=query, limit=asked.limit, cursor=cursor
    )


def parts(site: Site, call: Call, view: View, asked: Sought, query: Query) -> Iterator[Page]:
    """The whole of a list, a part after the other. Raises Refusal: 403; and what its parts raise."""
    owner, services = call.caller.owner, site.services
    search = searching(call, view, asked, query)
    cursor: Cursor | None = None
    while True:
        if search is None:
            page = services.log.page(
                view, tenant=owner.tenant, brand=owner.brand, query=query, limit=_PART, cursor=cursor
            )
        else:
            page = search.page(services.log, services.archive, limit=_PART, cursor=cursor, monotonic_s=time.monotonic)
        yield page
        cursor = page.next
        if cursor is None:
            return


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
