"""Any accepted webhook with any accepted event and any answer never raises; `make fuzz` tries 100,000 of them."""

import random

import msgspec
import pytest

from consumer.brands.brand import PayloadFormat, SigningProfile
from consumer.control.owner import Owner
from consumer.json import Json
from consumer.webhooks.fields import MAX_CONCURRENCY, MAX_RATE_PER_S, MIN_RATE_PER_S
from consumer.webhooks.filter import compile_filter
from tests.hostile import changes, webhooks
from tests.hostile.run import run

OWNER = Owner(tenant="acme", brand="hookline")


@pytest.mark.parametrize("seed", range(8))
def test_no_webhook_event_and_answer_together_raise(seed: int) -> None:
    """1,000 in all, a part of them in each test: so no test has to compute for long."""
    report = run(125, seed)
    assert report.found == {}
    assert report.cases == 125
    assert {"protocol", "reset", "HTTP 200", "HTTP 410", "HTTP 429", "HTTP 503"} <= set(report.answers)


def test_every_member_of_a_creation_is_drawn() -> None:
    members = {name for models in webhooks.MODELS.values() for name in models.create.model_fields}
    assert members == {*webhooks.MEMBERS, "url"}


def test_every_member_of_an_update_is_drawn() -> None:
    members = {name for models in webhooks.MODELS.values() for name in models.update.model_fields}
    assert members == {*changes.MEMBERS, "url"}


@pytest.mark.parametrize("turn", changes.TURNS)
def test_every_change_of_a_waiting_webhook_is_drawn(turn: str) -> None:
    dice = random.Random(3)
    body: dict[str, Json] = {"url": "http://n1.example/1/", "rateLimit": 1, "maxConcurrency": 2}
    was = webhooks.accepted(dice, body, OWNER)
    assert was is not None
    later = changes.TURNS[turn](dice, was, "http://n2.example/1/")
    match turn:
        case "nothing":
            assert later is was
        case "deleted":
            assert later is None
        case _:
            assert later is not None
            assert later.changes == was.revision


def test_every_profile_format_and_bound_comes_through_the_api() -> None:
    dice = random.Random(5)
    made = [
        webhook
        for number in range(3_000)
        if (
            webhook := webhooks.accepted(
                dice, webhooks.body(dice, "hookline", webhooks.url_of(dice, number, 8_080)), OWNER
            )
        )
    ]
    assert {each.signing for each in made} == set(SigningProfile)
    assert {each.payload_format for each in made} == set(PayloadFormat)
    assert {MIN_RATE_PER_S, MAX_RATE_PER_S, None} <= {each.rate_per_s for each in made}
    assert {1, MAX_CONCURRENCY, None} <= {each.max_concurrency for each in made}
    assert {1_000, 30_000} <= {each.timeout_ms for each in made}
    assert any(each.former_secrets for each in made)


@pytest.mark.parametrize("operator", webhooks.RULES)
def test_every_operator_is_drawn_in_forms_that_compile(operator: str) -> None:
    dice = random.Random(7)
    assert any(_compiles({"a": [webhooks.RULES[operator](dice)]}) for _ in range(50))


def _compiles(pattern: dict[str, list[Json]]) -> bool:
    try:
        compile_filter(msgspec.json.encode(pattern).decode())
    except ValueError:
        return False
    return True
