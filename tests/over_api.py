"""The API in memory, through the client that would speak to a real one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import httpx
import pytest

from consumer.brands.loader import load_brands
from consumer.cli.access import Access
from consumer.cli.api_client import ApiClient
from consumer.cli.credentials import Credentials
from consumer.cli.remote_webhooks import RemoteWebhooks
from consumer.cli.webhook_port import WebhookPort
from consumer.control.keys import Scope
from tests.memory_api import MemoryApi

_URL = "https://hooks.example.com"


@contextmanager
def speaking(api: MemoryApi) -> Iterator[ApiClient]:
    """A client of the API in memory, whose key may do everything."""
    browser = api.client(*Scope)

    def answering(request: httpx.Request) -> httpx.Response:
        url = str(request.url).replace(_URL, "")
        headers = {"Content-Type": "application/json"} if request.content else {}
        answer = browser.request(request.method, url, content=request.content, headers=headers)
        return httpx.Response(answer.status_code, content=answer.content, headers=dict(answer.headers))

    with answered(answering) as client:
        yield client


@contextmanager
def webhooks_over(api: MemoryApi, command: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This module's commands find their webhooks by way of the API in memory."""
    with speaking(api) as client:

        @contextmanager
        def there(access: Access | None) -> Iterator[WebhookPort]:
            del access
            yield RemoteWebhooks(client)

        monkeypatch.setattr(command, "webhooks", there)
        yield


@contextmanager
def answered(answer: Callable[[httpx.Request], httpx.Response]) -> Iterator[ApiClient]:
    """A client of whatever answers so."""
    credentials = Credentials(key="hk_" + "0" * 16, tenant=None, brand=load_brands()["hookline"])
    with ApiClient(_URL, credentials, transport=httpx.MockTransport(answer), sleep=lambda _: None) as client:
        yield client
