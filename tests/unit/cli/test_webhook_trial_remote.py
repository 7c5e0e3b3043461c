"""`hookline webhooks test` by way of the API."""

import json

import httpx

from consumer.brands.loader import brand
from consumer.cli.api_client import ApiClient
from consumer.cli.credentials import Credentials
from consumer.cli.remote_webhooks import RemoteWebhooks

TRIED = {"status": 500, "body": "boom", "elapsedMs": 12.5, "error": "the endpoint answered 500"}


def test_the_api_is_asked_and_its_answer_is_ours() -> None:
    asked: list[httpx.Request] = []

    def answering(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"data": TRIED})

    credentials = Credentials(key="convo_" + "0" * 16, tenant=None, brand=brand("convo"))
    with ApiClient("https://hooks.example.com", credentials, transport=httpx.MockTransport(answering)) as client:
        assert RemoteWebhooks(client).try_out("wh_1", "transcript.ready") == TRIED
    assert (asked[0].method, asked[0].url.path) == ("POST", "/api/v1/webhooks/wh_1/test")
    assert json.loads(asked[0].content) == {"type": "transcript.ready"}
