"""One deployment for all pages; it ends with the last of their tests, so that it disturbs no other."""

import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.acceptance.seeds.deployment import Customer, Deployment, Slow
from tests.acceptance.seeds.deployment import deployment as running_deployment
from tests.acceptance.seeds.endpoints import Answer

# Where each page says the webhooks are, and what an answer of the API holds them under.
PAGES = {
    "acme": ("/v1/webhooks", None),  # the operator's own, as docs/brands.md has it
    "conclude": ("/v1/webhooks", None),
    "convo": ("/api/v1/webhooks", "data"),
    "featurebase": ("/v2/webhooks", None),
    "mintlify": ("/v1/webhooks", None),
    "trackelio": ("/v1/webhooks", None),
}
TIMEOUT_S = 10.0


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("seeds")
    with running_deployment(folder, kafka_bootstrap, f"t{secrets.token_hex(4)}.") as started:
        yield started


@pytest.fixture(scope="package")
def customers(deployment: Deployment) -> Iterator[Mapping[str, Customer]]:
    """One of each company's, all at once: each key is a command of its own."""
    with ThreadPoolExecutor() as pool, ExitStack() as open_clients:
        keys = pool.map(lambda brand: deployment.key(brand, f"ws_{brand}"), PAGES)
        yield {
            brand: open_clients.enter_context(
                deployment.customer(key, f"ws_{brand}", brand=brand, webhooks=webhooks, envelope=envelope)
            )
            for (brand, (webhooks, envelope)), key in zip(PAGES.items(), keys, strict=True)
        }


@pytest.fixture(scope="package", autouse=True)
def slow(customers: Mapping[str, Customer]) -> Mapping[str, Slow]:
    """For the pages that promise ten seconds: called as the first of all tests begins, looked at by one of the last."""
    hooks = {
        brand: Slow(
            within=customers[brand].hook(Answer(status=204, after_s=TIMEOUT_S - 1), product="slow"),
            beyond=customers[brand].hook(Answer(after_s=TIMEOUT_S + 1), product="slow", retries="none"),
            over_s=time.monotonic() + TIMEOUT_S + 1,
        )
        for brand in ("convo", "mintlify")
    }
    customers["convo"].happens("conversation.deleted", {"conversationId": "slow"}, product="slow")
    customers["mintlify"].happens("page.published", {"id": "slow"}, product="slow")
    return hooks
