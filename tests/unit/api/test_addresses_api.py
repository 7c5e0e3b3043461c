"""The address table over the API: a webhook is created or changed towards public hosts only, and is told why not."""

from dataclasses import replace

import pytest

from consumer.api.application import application
from consumer.brands.loader import load_brands
from consumer.control.endpoint import check_endpoint
from consumer.delivery.names import Addresses, NoAddress, Resolution, Unanswered
from consumer.settings import Settings
from tests.conformance.addresses import in_url, rows
from tests.conformance.test_address_table import DISGUISED, LOOPBACK
from tests.memory_api import KEYS, MemoryApi
from tests.web import Client

UNLIMITED = Settings(encryption_keys=KEYS, api_requests_per_s=1_000_000)
TABLE = dict(rows())
NAMES: dict[str, Resolution] = {f"name{number}.test": Addresses((each,)) for number, each in enumerate(TABLE)}
NAMES |= {"nowhere.test": NoAddress(), "silent.test": Unanswered(), "public.test": Addresses(("8.8.8.8",))}


@pytest.fixture
def api() -> MemoryApi:
    return MemoryApi(settings=UNLIMITED)


@pytest.fixture
def acme(api: MemoryApi) -> Client:
    """A customer of an API that really looks where a host is."""

    def check_url(url: str, _tenant: str) -> None:
        check_endpoint(url, UNLIMITED, resolve=NAMES.__getitem__)

    app = application(replace(api.services, check_url=check_url), {"hookline": load_brands()["hookline"]})
    return Client(app, base_url="http://api", headers={"Authorization": f"Bearer {api.key()[1]}"})


def refusal(acme: Client, url: str, path: str | None = None) -> str:
    refused = acme.post("/v1/webhooks", json={"url": url}) if path is None else acme.patch(path, json={"url": url})
    assert (url, refused.status_code) == (url, 422)
    assert refused.headers["content-type"] == "application/problem+json"
    [error] = refused.json()["errors"]
    assert error["field"] == "url"
    return str(error["message"])


def test_no_special_address_becomes_a_webhook_s_and_none_is_written(api: MemoryApi, acme: Client) -> None:
    for address, public in TABLE.items():
        if not public:
            assert refusal(acme, f"https://{in_url(address)}/hook").startswith("is at an address that is never called")
    for host in (*LOOPBACK, *DISGUISED):
        refusal(acme, f"https://{host}/hook")
    assert not api.topics.subscriptions.records


def test_a_name_that_leads_inside_is_told_from_none_that_leads_nowhere(api: MemoryApi, acme: Client) -> None:
    names = [name for name, public in zip(NAMES, TABLE.values(), strict=False) if not public]
    said = {refusal(acme, f"https://{name}/hook") for name in (*names, "nowhere.test")}
    assert said == {"must have a host that resolves to public addresses: this one does not, check how it is written"}
    assert "could not be looked up now" in refusal(acme, "https://silent.test/")
    assert not api.topics.subscriptions.records


def test_every_public_address_and_name_becomes_one(acme: Client) -> None:
    for (address, public), name in zip(TABLE.items(), NAMES, strict=False):
        if public:
            for host in (in_url(address), name):
                created = acme.post("/v1/webhooks", json={"url": f"https://{host}/hook"})
                assert (host, created.status_code) == (host, 201)


def test_a_change_is_judged_like_a_creation(acme: Client) -> None:
    path = f"/v1/webhooks/{acme.post('/v1/webhooks', json={'url': 'https://public.test/'}).json()['id']}"
    for host in ("10.0.0.1", "[::1]", "name0.test", "localhost", "nowhere.test", "127.1"):
        refusal(acme, f"https://{host}/", path)
    for url in ("http://public.test/", "https://u:p@public.test/", "https://public.test:25/", "https://public.test/#x"):
        refusal(acme, url, path)
    assert acme.get(path).json()["url"] == "https://public.test/"
    assert acme.patch(path, json={"url": "https://8.8.8.8/"}).json()["url"] == "https://8.8.8.8/"
