"""The statistics of a webhook over the API."""

from typing import Any

from consumer.api.moments import now_ms
from consumer.api.stats_models import Stats as Shown
from consumer.control.keys import Scope
from consumer.log.health import Sent
from consumer.log.stats import Stats
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.cache import CacheUnavailable
from tests.memory_api import MemoryApi


def counted(at_ms: int) -> Stats:
    stats = Stats()
    stats.count(
        Sent(
            at_ms=at_ms,
            logged_ms=at_ms,
            url="https://example.com/",
            status=200,
            failure=None,
            elapsed_ms=12.0,
            outcome="delivered",
        )
    )
    return stats


def test_the_owner_sees_hours_or_days_and_shares(api: MemoryApi) -> None:
    client = api.client(Scope.READ, Scope.WRITE)
    webhook = api.webhook(client)["id"]
    at_ms = now_ms()
    api.stats.known[webhook] = counted(at_ms)
    api.log.add(subscription_id=webhook, at_ms=at_ms)
    api.log.add(subscription_id=webhook, at_ms=at_ms, trigger="test")
    hours = client.get(f"/v1/webhooks/{webhook}/stats").json()
    days = client.get(f"/v1/webhooks/{webhook}/stats?period=30d").json()
    for told, number in ((hours, 24), (days, 30)):
        assert Shown.model_validate(told).model_dump(mode="json", by_alias=True).keys() == told.keys()
        assert len(told["buckets"]) == number
        # The hour may have changed meanwhile.
        assert [bucket["delivered"] for bucket in told["buckets"][-2:]] in ([0, 1], [1, 0])
        assert told["totals"] == {"delivered": 1, "failed": 0, "meanMs": 12.0, "worstMs": 12}
        assert (told["listed"]["attempts"], told["listed"]["since"]) == (1, rfc3339(at_ms))


def test_of_one_that_was_never_tried_all_is_0_and_what_is_not_known_is_null(api: MemoryApi) -> None:
    client = api.client()
    webhook = api.webhook(client)["id"]
    path = f"/v1/webhooks/{webhook}/stats"
    assert client.get(path).json()["totals"] == {"delivered": 0, "failed": 0, "meanMs": None, "worstMs": None}
    api.stats.away = True
    api.log.away = CacheUnavailable("away")
    told: dict[str, Any] = client.get(path).json()
    assert (told["buckets"], told["totals"], told["listed"]) == (None, None, None)


def test_it_is_the_owners_and_needs_the_scope(api: MemoryApi) -> None:
    client = api.client()
    path = f"/v1/webhooks/{api.webhook(client)['id']}/stats"
    assert api.client(tenant="other").get(path).status_code == 404
    assert api.client(Scope.WRITE).get(path).status_code == 403
    assert client.get(path + "?period=1y").status_code == 422
