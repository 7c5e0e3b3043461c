"""docs/api.md says what the API says of itself, and its examples do what they say."""

import json

import pytest

from consumer.control.keys import Scope
from consumer.jobs.job import State
from make.api_page import EXAMPLES, PAGE, openapi, page
from make.openapi_page import Document
from tests import curls, markdown
from tests.dead_letters import dead_letter
from tests.memory_api import OWNER, MemoryApi

CURLS = curls.commands(PAGE)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_every_route_has_its_example_and_every_example_its_route() -> None:
    operations = Document(openapi(), EXAMPLES).operations
    assert len(CURLS) == len(operations)
    assert EXAMPLES.keys() - {operation["operationId"] for _, _, operation in operations} == set()


@pytest.mark.parametrize("curl", CURLS)
def test_an_example_does_what_it_says(curl: str) -> None:
    api = MemoryApi()
    client = api.client(*Scope)
    webhook = str(api.webhook(client, uid="billing")["id"])
    buried = dead_letter(webhook=webhook)
    api.dead_letters.add(buried)
    held = {
        "WEBHOOK_ID": webhook,
        "KEY_ID": api.key(Scope.READ)[0].id,
        "DEAD_LETTER_ID": buried.delivery.id,
        "DELIVERY_ID": buried.delivery.id,
        "ATTEMPT_ID": api.log.add(),
        "PORTAL_LINK_ID": client.post("/v1/portal-links", json={}).json()["id"],
        "JOB_ID": api.jobs.put(OWNER, state=State.COUNTED if "/start" in curl else State.PAUSED),
    }
    answer = curls.asked(client, curl, held)
    assert answer.is_success, answer.text


def test_the_prose_names_what_the_api_sends() -> None:
    api = MemoryApi()
    answer = api.client().post("/v1/webhooks", json={"url": "https://example.com/", "requestConfig": {"timeoutMs": 1}})
    [shown] = [json.loads(block.text) for block in markdown.blocks(PAGE) if '"status": 422' in block.text]
    assert answer.json() | {"requestId": shown["requestId"]} == shown
    text = PAGE.read_text(encoding="utf-8")
    for name in ("request-id", "ratelimit", "ratelimit-policy"):
        assert name in answer.headers
        assert f"`{name}`" in text.lower()
