"""A filter is tried over the API, before it is anybody's."""

from typing import Any

import pytest

from consumer.control.keys import Scope
from tests.memory_api import MemoryApi

FILTER = {"filter": {"amount": [{"numeric": [">", 100]}]}}


def asked(body: dict[str, Any], brand: str = "hookline", prefix: str = "/v1") -> tuple[int, dict[str, Any]]:
    answer = MemoryApi(brands=[brand]).client(Scope.READ, brand=brand).post(f"{prefix}/filters/try", json=body)
    told: dict[str, Any] = answer.json()
    return answer.status_code, told


def test_a_customers_own_event_is_tried_and_what_fails_is_told() -> None:
    assert asked(FILTER | {"data": {"amount": 500}}) == (200, {"matches": True, "unmet": [], "givenUp": False})
    unmet = [{"path": "$.amount", "found": "5"}]
    assert asked(FILTER | {"data": {"amount": 5}}) == (200, {"matches": False, "unmet": unmet, "givenUp": False})


def test_the_sample_of_a_type_is_tried_under_the_brands_own_words() -> None:
    body = {"filter": {"conversationId": [{"exists": True}]}, "type": "conversation.shared"}
    status, told = asked(body, "convo", "/api/v1")
    assert (status, told["data"]["matches"]) == (200, True)
    status, told = asked(body | {"type": "order.paid"}, "convo", "/api/v1")
    assert (status, [(each["field"], each["code"]) for each in told["errors"]]) == (
        422,
        [("type", "unknown_event_type")],
    )


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (FILTER, [("data", "missing")]),
        (FILTER | {"data": {}, "type": "webhook.test"}, [("data", "duplicate")]),
        ({"filter": {"a": 1}, "data": {}}, [("filter", "not_a_filter")]),
        ({"filter": {"a": 1}, "type": "a*"}, [("filter", "not_a_filter"), ("type", "malformed")]),
        ({"data": {}}, [("filter", "missing")]),
        (FILTER | {"data": {}, "product": "p"}, [("product", "unknown")]),
    ],
)
def test_all_that_is_wrong_is_told_at_once(body: dict[str, Any], wrong: list[tuple[str, str]]) -> None:
    status, told = asked(body)
    assert (status, [(each["field"], each["code"]) for each in told["errors"]]) == (422, wrong)
