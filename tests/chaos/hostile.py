"""A customer, a producer and an endpoint who mean no good, beside the others. They draw from the suite's generators.

The law: everything here belongs to tenants of its own, so whatever becomes of it is owed to nobody; and it ends when it
is told to, with nothing left behind that could keep Hookline busy.

`python -m tests.chaos.hostile ASKED` (JSON): the endpoint answers from the start, never as it did before; SIGUSR1 lets
producer and customer loose.
"""

import json
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import httpx
from confluent_kafka import KafkaException, Producer
from hypothesis import HealthCheck, Phase, given, seed, settings

from consumer.events.event import Record
from tests.acceptance.happenings import Hook
from tests.hostile import events
from tests.hostile.answers import OK, Ending, Played, drawn
from tests.hostile.endpoint import HostileEndpoint

TENANTS: Final = 4
TENANT: Final = "hostile-"
KEY: Final = b"hostile"
"""Of every record here, so that whoever judges tells them from the others'."""
READY: Final = "hostile.json"

_RECORDS: Final = 300
_PER_SECOND: Final = 10.0
_DELIVERED: Final = 0.1  # of the records, to webhooks: each failure is tried again a dozen times
_KEPT: Final = 24  # webhooks made beside the first: a new one has not been told yet to wait, or that it is gone
_ENDLESS: Final = Played(
    (OK + b"Transfer-Encoding: chunked\r\n\r\n", *(b"400\r\n" + b"x" * 1_024 + b"\r\n",) * 20_000), Ending.STAY
)
_HALF: Final = b"POST /v1/webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
_SILENT: Final = 50  # connections to the API that say half a request, and wait
_FILTERS: Final = ('{"n": [{"numeric": ["<", 5]}]}', '{"$or": [{"a": [{"prefix": "x"}]}, {"b": [1e3]}]}', "")
_NUMBERS: Final = (0, -1, 1, 0.5, 1e-306, 1e308, 1e309, 2**53, 2**64, 10**400, 1_000, 30_000, 100_000, 1_024)
_TEXTS: Final = (
    "", "a", "x" * 70_000, "\u202e", "\x00", "[hidden]", "*", "order..*", "münchen", "\ud800", "http://[::1", "{}",
)  # fmt: skip
_VALUES: Final[tuple[object, ...]] = (
    *_NUMBERS, *_TEXTS, None, True, [], {}, ["*"], [None], {"a": {"b": []}}, [{}] * 500,
)  # fmt: skip

_Headers: TypeAlias = list[tuple[str, str | bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Where to do what."""

    folder: str
    bootstrap: str
    topic: str
    api: str
    key: str
    seed: int


def hooks() -> list[Hook]:
    """Two for each hostile tenant, one with a filter."""
    return [
        Hook(name=f"{TENANT}{tenant}-{each}", tenant=f"{TENANT}{tenant}", filter_json=filter_json)
        for tenant in range(TENANTS)
        for each, filter_json in enumerate(("", _FILTERS[tenant % 2]))
    ]


class Answers(Mapping[int, Played]):
    """What the endpoint does next: drawn at each request, whoever is asked."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def __getitem__(self, number: int) -> Played:
        return _ENDLESS if self._dice.random() < 0.02 else drawn(self._dice)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return TENANTS


class Producing:
    """Records from the decoder's own acceptance, and events for the hostile tenants' webhooks."""

    def __init__(self, bootstrap: str, topic: str, dice: random.Random) -> None:
        self._topic, self._dice = topic, dice
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "message.max.bytes": 4_000_000, "compression.type": "zstd", "log_level": 0}
        )
        self._records, self._payloads = corpus(dice.randrange(2**32))

    def once(self) -> None:
        """One record, on any partition. What Kafka does not take now is nobody's loss."""
        dice = self._dice
        if dice.random() < _DELIVERED:
            tenant = f'"{TENANT}{dice.randrange(TENANTS)}"'.encode()
            value: bytes | None = b'{"type":"a.b","tenant":%b,"data":%b}' % (tenant, dice.choice(self._payloads))
            headers: _Headers = []
        else:
            value, headers = dice.choice(self._records)
        with suppress(KafkaException, BufferError):
            self._producer.produce(self._topic, value, KEY, headers=headers)
        self._producer.poll(0)


def corpus(number: int) -> tuple[list[tuple[bytes | None, _Headers]], list[bytes]]:
    """Records and payloads, drawn once: drawing costs more than sending."""
    records: list[tuple[bytes | None, _Headers]] = []
    payloads: list[bytes] = []

    @seed(number)
    @settings(
        max_examples=_RECORDS,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(record=events.records, payload=events.payloads)
    def draw(record: Record, payload: bytes) -> None:
        records.append((record.value, [*record.headers]))
        payloads.append(payload)

    draw()
    return records, payloads


class Calling:
    """Requests to the API that one of its customers could make, most of them wrong."""

    def __init__(self, url: str, key: str, dice: random.Random, endpoint: str) -> None:
        self._url, self._key, self._dice, self._endpoint = url, key, dice, endpoint
        self._client = httpx.Client(base_url=url, timeout=5.0)
        self._silent: list[socket.socket] = []
        self._made: list[tuple[str, str]] = []

    def once(self) -> None:
        """A request or two, and a connection that says half of one. That nobody answers is what may happen."""
        dice = self._dice
        if dice.random() < _DELIVERED:
            with suppress(httpx.HTTPError, ValueError, KeyError):
                self._renew(f"{TENANT}{dice.randrange(TENANTS)}")
        webhook = f"{TENANT}{dice.randrange(TENANTS)}-{dice.randrange(2)}"
        method, path = dice.choice(
            (
                ("GET", "/v1/webhooks"),
                ("POST", "/v1/webhooks"),
                ("PATCH", f"/v1/webhooks/{webhook}"),
                ("PATCH", f"/v1/webhooks/{webhook}"),
                ("POST", f"/v1/webhooks/{webhook}/test"),
                ("GET", f"/v1/dead-letters?since={dice.choice(('1970-01-01', '99999d', 'x'))}"),
                ("POST", "/v1/dead-letters/replay"),
                ("GET", "/v1%2Fwebhooks"),
            )
        )
        headers = {"Authorization": f"Bearer {self._key}", "Hookline-Tenant": webhook.rpartition("-")[0]}
        headers |= {"Idempotency-Key": str(dice.randrange(5))} if dice.random() < 0.3 else {}
        body = None if method == "GET" else self._body()
        with suppress(httpx.HTTPError, ValueError):
            self._client.request(method, path, content=body, headers=headers | {"Content-Type": "application/json"})
        with suppress(OSError):
            self._hold()

    def _renew(self, tenant: str) -> None:
        """A webhook more at the endpoint; beyond so many the oldest goes."""
        headers = {"Authorization": f"Bearer {self._key}", "Hookline-Tenant": tenant}
        wanted = {"url": self._endpoint, "topics": ["*"]}
        made = self._client.post("/v1/webhooks", json=wanted, headers=headers).json()
        self._made.append((tenant, str(made["id"])))
        if len(self._made) > _KEPT:
            owner, oldest = self._made.pop(0)
            self._client.delete(f"/v1/webhooks/{oldest}", headers=headers | {"Hookline-Tenant": owner})

    def _body(self) -> bytes:
        dice = self._dice
        fields = ("url", "topics", "name", "description", "filter", "rateLimit", "maxConcurrency", "product", "x")
        picked: dict[str, object] = {name: dice.choice(_VALUES) for name in dice.sample(fields, dice.randrange(4))}
        if dice.random() < 0.2:
            picked |= {"url": "http://127.0.0.1:1/x", "topics": ["never.*"]}
        whole = json.dumps(picked, default=str).encode()
        return whole[: dice.randrange(len(whole) + 1)] if dice.random() < 0.1 else whole

    def _hold(self) -> None:
        parts = urlsplit(self._url)
        half = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=2.0)
        half.sendall(_HALF[: self._dice.randrange(len(_HALF) + 1)])
        self._silent.append(half)
        if len(self._silent) > _SILENT:
            self._silent.pop(0).close()


def main(asked: Asked) -> None:
    """Work until killed."""
    loose = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: loose.set())
    producing = Producing(asked.bootstrap, asked.topic, random.Random(asked.seed))
    with HostileEndpoint(Answers(random.Random(asked.seed + 2))) as endpoint:
        url = f"http://127.0.0.1:{endpoint.port}/0"
        calling = Calling(asked.api, asked.key, random.Random(asked.seed + 1), url)
        (Path(asked.folder) / READY).write_text(json.dumps({"port": endpoint.port}))
        for part in (producing, calling):
            threading.Thread(target=_go, args=(part, loose), daemon=True).start()
        while True:
            signal.pause()


def _go(part: Producing | Calling, loose: threading.Event) -> None:
    while True:
        loose.wait()
        part.once()
        time.sleep(1 / _PER_SECOND)


if __name__ == "__main__":
    main(Asked(**json.loads(sys.argv[1])))
