"""Who is suspended, who is told, and what."""

import json
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from msgspec import structs

from consumer.brands.catalogue import read_catalogue
from consumer.events.event import Event
from consumer.kafka.records import decode_delayed, encode_chunk
from consumer.log.health import Health, endpoint_of
from consumer.log.suspension import Rule, is_due, notice, reason_of, suspends, told
from consumer.schemas import SENT_EVENTS
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.draft import suspend
from consumer.webhooks.subscription import Status, Subscription
from tests.webhook_samples import NOW_MS, record, subscription

RULE = Rule(after_ms=5_000, attempts=3)
URL = "https://user.example.com:8443/hooks/secret-token?key=1"


def failing(**figures: Any) -> Health:  # noqa: ANN401 # fields of every type
    due = Health(
        consecutive_failures=3,
        failing_since_ms=NOW_MS,
        last_attempt_at_ms=NOW_MS + 5_000,
        endpoint=endpoint_of(URL),
    )
    return structs.replace(due, **figures)


@pytest.mark.parametrize(
    ("health", "due"),
    [
        (failing(), True),
        (failing(consecutive_failures=2), False),
        (failing(last_attempt_at_ms=NOW_MS + 4_999), False),
        (failing(failing_since_ms=None, consecutive_failures=0), False),
    ],
)
def test_long_enough_and_often_enough_is_due(health: Health, *, due: bool) -> None:
    assert is_due(health, RULE) is due


@pytest.mark.parametrize(
    ("changes", "falls"),
    [
        ({}, True),
        ({"status_since_ms": NOW_MS}, True),
        ({"status": Status.PAUSED}, False),
        ({"status": Status.SUSPENDED}, False),
        ({"url": "https://new.example.com/"}, False),
        ({"status_since_ms": NOW_MS + 1}, False),
    ],
)
def test_a_webhook_is_judged_as_it_is_now(changes: dict[str, Any], *, falls: bool) -> None:
    assert suspends(subscription(**{"url": URL} | changes), failing(), RULE) is falls


def suspended(**fields: Any) -> Subscription:  # noqa: ANN401 # fields of every type
    return suspend(subscription(url=URL, name="Billing", **fields), reason=reason_of(failing()), now_ms=NOW_MS + 6_000)


def event_of(of: Subscription, offset: int = 7) -> Event:
    return notice(of, record(of, offset))


def test_the_notice_says_what_happened_and_no_secret() -> None:
    event = event_of(suspended(product="shop"))
    assert (event.type, event.tenant, event.product, event.time_ms) == (
        "webhook.suspended",
        "acme",
        "shop",
        NOW_MS + 6_000,
    )
    assert json.loads(event.data) == {
        "id": "wh_1",
        "name": "Billing",
        "origin": "https://user.example.com:8443",
        "reason": f"failed since {rfc3339(NOW_MS)}, 3 times in a row",
        "suspendedAt": rfc3339(NOW_MS + 6_000),
    }


def test_the_catalogue_shows_it_as_it_is() -> None:
    [entry] = [each for each in read_catalogue(SENT_EVENTS) if each.type == "webhook.suspended"]
    data = json.loads(event_of(suspended()).data)
    jsonschema_rs.Draft202012Validator(dict(entry.schema), validate_formats=True).validate(data)
    assert isinstance(entry.sample, dict)
    assert entry.sample.keys() == data.keys()


def test_the_same_suspension_is_the_same_notice_also_after_a_rename() -> None:
    first = suspended()
    renamed = replace(first, name="new", revision=3, changes=2)
    assert event_of(renamed, 8).id == event_of(first).id


def test_another_suspension_is_another_notice() -> None:
    later = replace(suspended(), status_since_ms=NOW_MS + 60_000)
    assert event_of(later).id != event_of(suspended()).id


def test_those_are_told_that_asked_and_are_active() -> None:
    owned = [
        subscription("by-name", event_types=("order.created", "webhook.suspended")),
        subscription("by-pattern", event_types=("webhook.*",)),
        subscription("everything", event_types=("*",)),
        subscription("no-types"),
        subscription("others", event_types=("webhook.test",)),
        subscription("paused", event_types=("webhook.*",), status=Status.PAUSED),
        subscription("itself-suspended", event_types=("webhook.*",), status=Status.SUSPENDED),
        subscription("other-product", event_types=("webhook.*",), product="app"),
        subscription("same-product", event_types=("webhook.*",), product="shop"),
        subscription("filtered-in", event_types=("webhook.*",), filter_json='{"name": ["Billing"]}'),
        subscription("filtered-out", event_types=("webhook.*",), filter_json='{"name": ["Sales"]}'),
    ]
    event = event_of(suspended(product="shop"))
    [chunk] = told(event, owned, now_ms=NOW_MS)
    assert chunk.subscription_ids == ("by-name", "by-pattern", "same-product", "filtered-in")
    assert decode_delayed(encode_chunk(chunk), 0) == chunk


def test_many_are_told_in_slices_and_nobody_in_none() -> None:
    owned = [subscription(f"wh_{number}", event_types=("webhook.*",)) for number in range(250)]
    event = event_of(suspended())
    chunks = list(told(event, owned, now_ms=NOW_MS))
    assert [len(each.subscription_ids) for each in chunks] == [100, 100, 50]
    assert sorted(id_ for each in chunks for id_ in each.subscription_ids) == sorted(each.id for each in owned)
    assert list(told(event, [], now_ms=NOW_MS)) == []
