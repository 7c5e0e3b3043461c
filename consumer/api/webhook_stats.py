"""The route of a webhook's statistics."""

from typing import Annotated, Final, Literal

from fastapi import Query
from starlette.responses import Response

from consumer.api import answers
from consumer.api.call import needs
from consumer.api.documents import problems
from consumer.api.moments import now_ms
from consumer.api.site import Asking, Id, Site
from consumer.api.stats_models import Stats
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.log.query import Page, View
from consumer.log.stats import Period
from consumer.log.stats_resource import PERIODS, SHARED_OF, asked, told
from consumer.webhooks.cache import CacheUnavailable

_TAGS: Final = ["log"]


def add_webhook_stats(site: Site) -> None:
    """Add it below each webhook."""

    @site.app.get(
        site.base + "/{id}/stats",
        operation_id="getWebhookStats",
        summary="Show how many attempts of a webhook were accepted and failed, by the hour or by the day",
        description="The buckets count every attempt. The shares and percentiles are of those that the log lists.",
        tags=[*_TAGS],
        response_model=site.shapes.one(Stats),
        responses=problems(404, 422),
        openapi_extra=needs(Scope.READ),
    )
    def get_webhook_stats(
        call: Asking,
        id: Id,  # noqa: A002 # the path's own word
        period: Annotated[Literal["24h", "30d"], Query(description="By the hour, or by the day.")] = "24h",
    ) -> Response:
        owner = call.caller.owner
        webhook = site.services.plane.webhooks.get(owner, id).id
        over, at_ms = PERIODS[period], now_ms()
        parts = site.services.stats.read(webhook)
        shown = told(webhook, over, parts, _listed(site, owner, webhook, over, at_ms), at_ms)
        return answers.response(answers.one(site.brand, shown))


def _listed(site: Site, owner: Owner, webhook: str, period: Period, at_ms: int) -> Page | None:
    """The newest attempts that are listed; None while the index cannot be read."""
    query = asked(webhook, period, at_ms)
    try:
        return site.services.log.page(
            View.ATTEMPTS, tenant=owner.tenant, brand=owner.brand, query=query, limit=SHARED_OF, cursor=None
        )
    except CacheUnavailable:
        return None
