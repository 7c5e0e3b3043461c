"""The API of one process, its customer, and a webhook of his."""

import pytest
from starlette.testclient import TestClient

from tests.memory_api import MemoryApi


@pytest.fixture
def api() -> MemoryApi:
    return MemoryApi()


@pytest.fixture(scope="module")
def shared() -> MemoryApi:
    """For tests that leave nothing behind."""
    return MemoryApi()


@pytest.fixture
def acme(api: MemoryApi) -> TestClient:
    return api.client()


@pytest.fixture
def webhook(api: MemoryApi, acme: TestClient) -> str:
    return str(api.webhook(acme)["id"])
