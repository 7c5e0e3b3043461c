"""One Hookline for all brands: every role in a process of its own, on a real Kafka and Redis, HTTPS only."""

import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from confluent_kafka import KafkaError, Message, Producer

from consumer.delivery.delivery import Attempt
from consumer.kafka.records import decode_attempt
from tests.acceptance.deadline import until
from tests.acceptance.hookline import Hookline, clean, command
from tests.acceptance.seeds.endpoints import Answer, Endpoint, Endpoints, endpoints
from tests.acceptance.stage import Stage
from tests.brands_page import write_acme
from tests.certificates import Authority
from tests.memory_portal import NAVIGATED, Browser
from tests.person import Person
from tests.services.redis import Redis
from tests.services.server import free_port

READY_WITHIN_S = 40.0
# After a write is answered: the staleness bound set below, and as much again.
SETTLED_S = 0.2
OPERATOR_KEY = "the-operator-s-key-" + secrets.token_hex(16)
OPTIONS = {
    "HOOKLINE_OPERATOR_KEY": OPERATOR_KEY,
    "HOOKLINE_ALLOW_HTTP": "false",
    "HOOKLINE_STALENESS": "100ms",
    "HOOKLINE_RETRY_DELAYS": "500ms,1s,2s",
    "HOOKLINE_API_REQUESTS_PER_S": "1000",
}


class Deployment:
    """The running installation, and what a test does with it."""

    def __init__(self, stage: Stage, running: Hookline, served: Endpoints, api_url: str, producer: Producer) -> None:
        self.stage = stage
        self.running = running
        self.endpoints = served
        self.api_url = api_url
        self._producer = producer

    def key(self, brand: str, tenant: str) -> str:
        """A new API key, made as the operator makes it."""
        arguments = command("keys", "create", "--tenant", tenant, "--brand", brand, "--json")
        environment = clean(self.stage.environment)
        made = subprocess.run(arguments, cwd=self.stage.folder, env=environment, capture_output=True, check=False)
        assert made.returncode == 0, made.stderr.decode()
        return str(json.loads(made.stdout)["key"])

    @contextmanager
    def customer(
        self, key: str, tenant: str, *, brand: str, webhooks: str, envelope: str | None
    ) -> Iterator["Customer"]:
        """The customer that has this key.

        `webhooks` is where the page says they are, `envelope` the member of an answer that holds what is asked for.
        """
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=self.api_url, headers=headers, timeout=15.0, trust_env=False) as client:
            yield Customer(self, client, tenant=tenant, key=key, brand=brand, webhooks=webhooks, envelope=envelope)

    def publish(self, event: dict[str, object]) -> None:
        """Publish an event as its producer does; returns when Kafka has it."""
        failed: list[KafkaError] = []

        def told(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failed.append(error)

        self._producer.produce(self.stage.event_topic, value=json.dumps(event).encode(), on_delivery=told)
        assert self._producer.flush(15.0) == 0
        assert not failed

    def attempts(self, webhook: str, count: int = 1) -> list[Attempt]:
        """What the delivery log holds of a webhook, once there are so many attempts."""
        found: list[Attempt] = []

        def enough() -> bool:
            read = [
                decode_attempt(each.value or b"")
                for each in self.stage.read(self.stage.topics.attempts)
                if each.key == webhook.encode()
            ]
            found[:] = sorted(read, key=lambda each: each.at_ms)
            return len(found) >= count

        until(enough, within_s=10.0, missing=lambda: f"{len(found)} of {count} attempts of {webhook} are logged")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook as its creation was answered, with its endpoint."""

    shown: dict[str, Any]
    endpoint: Endpoint

    @property
    def id(self) -> str:
        return str(self.shown["id"])

    @property
    def secret(self) -> str:
        return str(self.shown["secret"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """Two endpoints on either side of the timeout; what comes of both is known at `over_s`, monotonic."""

    within: Hook
    beyond: Hook
    over_s: float

    def attempts(self, deployment: Deployment) -> tuple[Attempt, Attempt]:
        """What came of it, once it is known."""
        time.sleep(max(0.0, self.over_s - time.monotonic()))
        [within], [beyond] = deployment.attempts(self.within.id), deployment.attempts(self.beyond.id)
        return within, beyond


class Customer:
    """One tenant with an API key. `client` speaks to the API with it."""

    def __init__(
        self,
        deployment: Deployment,
        client: httpx.Client,
        *,
        tenant: str,
        key: str,
        brand: str,
        webhooks: str,
        envelope: str | None,
    ) -> None:
        self.brand = brand
        self.deployment = deployment
        self.client = client
        self.tenant = tenant
        self.key = key
        self._webhooks = webhooks
        self._envelope = envelope

    def ok(self, method: str, path: str, status: int = 200, body: object = None) -> Any:  # noqa: ANN401 # JSON of every shape
        """The JSON of an answer that must have this status."""
        answered = self.client.request(method, path, json=body)
        assert answered.status_code == status, (answered.status_code, answered.text)
        return answered.json()

    def listed(self, path: str, count: int = 1, **asked: str) -> list[dict[str, Any]]:
        """The first page of a list of the log, once it has so many rows."""
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            answered = self.client.get(path, params={**asked, "limit": "100"})
            assert answered.status_code == httpx.codes.OK, answered.text
            found[:] = answered.json()["data"]
            return len(found) >= count

        until(enough, within_s=10.0, missing=lambda: f"{len(found)} of {count} rows of {path} {asked} are listed")
        return found

    def hook(self, *answers: Answer, **wishes: object) -> Hook:
        """A new webhook, which counts from now on, at an endpoint that answers so."""
        endpoint = self.deployment.endpoints.open(*answers)
        created = self.ok("POST", self._webhooks, 201, {"url": endpoint.url, **wishes})
        settle()
        return Hook(shown=created if self._envelope is None else created[self._envelope], endpoint=endpoint)

    def looks_at_its_pages(self, **wishes: object) -> Person:
        """Its user, who has just opened a link that the company's server made."""
        acting = {
            "Authorization": f"Bearer {OPERATOR_KEY}",
            "Hookline-Tenant": self.tenant,
            "Hookline-Brand": self.brand,
        }
        links = self._webhooks.replace("webhooks", "portal-links")
        made = httpx.post(self.deployment.api_url + links, json=wishes, headers=acting, timeout=15.0, trust_env=False)
        assert made.status_code == httpx.codes.CREATED, made.text
        told = made.json() if self._envelope is None else made.json()[self._envelope]
        return Person(entered(str(told["url"])))

    def happens(self, event_type: str, data: object, **fields: object) -> None:
        """Publish one event of this tenant."""
        self.deployment.publish({"type": event_type, "tenant": self.tenant, "data": data, **fields})


def entered(link: str) -> Browser:
    """The browser of whoever opens this link: it keeps its one cookie, and stays where the pages are."""
    at, _, text = link.partition("#")
    client = httpx2.Client(
        base_url=at.removesuffix("/portal/enter"),
        timeout=30.0,
        trust_env=False,
        limits=httpx2.Limits(max_keepalive_connections=0),  # nobody closes it
    )
    answer = client.post("/portal/enter", data={"link": text}, headers=NAVIGATED)
    assert answer.status_code == httpx2.codes.SEE_OTHER, answer.text
    client.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
    return Browser(client, "/".join(answer.headers["location"].split("/")[:4]))


def settle() -> None:
    """Wait until every write that was answered counts for every event."""
    time.sleep(SETTLED_S)


@contextmanager
def deployment(folder: Path, bootstrap: str, prefix: str) -> Iterator[Deployment]:
    """Start everything; it is ready when this is entered."""
    with ExitStack() as running:
        redis = Redis.start(folder / "redis")
        running.callback(redis.stop)
        authority = Authority(folder)
        port = free_port()
        options = {
            **OPTIONS,
            "HOOKLINE_API_LISTEN": f"127.0.0.1:{port}",
            "HOOKLINE_PORTAL_URL": f"http://localhost:{port}",
            "HOOKLINE_BRANDS_DIR": str(write_acme(folder / "brands")),
        }
        with pytest.MonkeyPatch.context() as patch:
            stage = Stage.build(
                folder, patch, bootstrap=bootstrap, redis_url=redis.url(), prefix=prefix, options=options
            )
        served = running.enter_context(endpoints(authority))
        hookline = running.enter_context(stage.running("--processes", "1", SSL_CERT_FILE=str(authority.ca_file)))
        hookline.assigned("deliver", within_s=READY_WITHIN_S)
        hookline.assigned("retry", within_s=READY_WITHIN_S)
        api_url = f"http://127.0.0.1:{port}"
        until(
            lambda: _ready(api_url) or not hookline.running,
            within_s=READY_WITHIN_S,
            missing=lambda: f"the API is not ready\n{hookline.tail}",
        )
        assert hookline.running, hookline.tail
        producer = running.enter_context(closing(Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})))
        yield Deployment(stage, hookline, served, api_url, producer)


def _ready(api_url: str) -> bool:
    try:
        return httpx.get(f"{api_url}/readyz", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
