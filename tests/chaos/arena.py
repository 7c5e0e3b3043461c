"""What the chaos run happens to: a Kafka, a Redis and receivers of its own, one or two supervisors, and the webhooks.

The law: everything here is started by this object and ends with it; every secret in it is a canary.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from confluent_kafka import KafkaException

from consumer.brands.loader import brand
from consumer.kafka import topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import Settings
from consumer.webhooks import record
from consumer.webhooks.draft import create
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wishes import Wishes
from tests.acceptance.happenings import Happening, Hook
from tests.acceptance.hookline import Hookline, hookline
from tests.acceptance.receipts import ROOT
from tests.acceptance.receiver import Endpoint, Temper
from tests.acceptance.stage import Stage
from tests.chaos import canary
from tests.services.kafka import Kafka
from tests.services.redis import Redis
from tests.services.server import LocalProcess, free_port, listening
from tests.services.topics import create_topics

PARTITIONS: Final = 8
TENANTS: Final = 8
SLOTS: Final = 3  # webhooks that change all the time
GENERATIONS: Final = 80
LATER: Final = 400
"""Webhooks that are made after the events that they want."""
LATE: Final = 124  # as timeout(1) says it
TYPES: Final = ("order.created", "order.updated", "user.created", "order.created", "rare.made")
RETRY_DELAYS_S: Final = (1, 2, 5, 10)
_STAGE_PREFIX: Final = "chaos."
PYTHON: Final = (sys.executable, "-m")
_PLANTING: Final = Path(__file__).with_name("planting")


def happening(number: int) -> Happening:
    """The event of a number: always the same."""
    return Happening(
        n=number,
        id=f"evt-{number}",
        type=TYPES[number // TENANTS % len(TYPES)],
        tenant=f"tenant-{number * 7 % TENANTS}",
    )


def steady_hooks() -> list[Hook]:
    """Those that stay: three well ones for each tenant, odd ones for what is rare, and ordered ones.

    A key whose events fail twice each takes one in three seconds. So the events of such a webhook are of many keys, ten
    of each: they stand in line, some are left in the log, and no key is offered more than it can take for long.
    """
    hooks = [
        Hook(name=f"{place}-{tenant}-{each}", tenant=f"tenant-{tenant}", event_types=types)
        for tenant in range(TENANTS)
        for place, each, types in (("north", 0, ()), ("south", 1, ()), ("north", 2, ("order.*",)))
    ]
    odd = (Temper.FLAKY, Temper.SLOW, Temper.DEAD, Temper.GONE)
    hooks += [
        Hook(name=f"odd-{tenant}-{temper}", tenant=f"tenant-{tenant}", event_types=("rare.*",), temper=temper)
        for tenant, temper in enumerate(odd)
    ]
    rare = ("rare.*",)
    ordered = (
        (Temper.HEALTHY, "data.kind", ()),
        (Temper.HEALTHY, "data.order", ()),
        (Temper.FLAKY, "data.order", rare),
    )
    hooks += [
        Hook(name=f"odd-{tenant}-{temper}", tenant=f"tenant-{tenant}", temper=temper, ordering=path, event_types=types)
        for tenant, (temper, path, types) in enumerate(ordered, start=len(odd))
    ]
    return hooks


def changing_hook(slot: int, generation: int, types: tuple[str, ...] = ()) -> Hook:
    """The webhook of a slot in its so manieth life."""
    return Hook(name=f"south-changing-{slot}-{generation}", tenant=f"tenant-{slot}", event_types=types)


def later_hook(number: int, first: int = 0, end: int = 0) -> Hook:
    """A webhook for its tenant's events of these numbers, and for no others: it is made when they were published."""
    return Hook(
        name=f"south-later-{number}",
        tenant=f"tenant-{number % TENANTS}",
        filter_json=json.dumps({"n": [{"numeric": [">=", first, "<", end]}]}),
        passes=lambda happening: first <= happening.n < end,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A receiver's process. It serves the webhooks whose names begin with its own."""

    name: str
    port: int
    log: Path
    server: LocalProcess

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.server.start()
        until_s = time.monotonic() + 15
        while not listening(self.port):
            assert time.monotonic() < until_s, f"{self.name} does not listen: {self.server.log_tail()}"
            time.sleep(0.05)

    def tell(self, number: signal.Signals) -> None:
        """Change its mood."""
        os.kill(self.server.pid, number)


class House:
    """A supervisor that can be started and stopped. `lock` is held by whoever does something to its processes."""

    def __init__(self, name: str, stage: Stage, processes: int) -> None:
        self.name = name
        self.processes = processes
        self.lock = threading.RLock()
        self._stage = stage
        self._lives = 0
        self._open = ExitStack()
        self.running: Hookline | None = None

    def start(self) -> Hookline:
        """Start it."""
        self._lives += 1
        log_name = f"hookline-{self.name}-{self._lives}.log"
        arguments = ("--processes", str(self.processes))
        self.running = self._open.enter_context(
            hookline(self._stage.environment, self._stage.folder, *arguments, log_name=log_name)
        )
        return self.running

    def stop(self) -> int:
        """SIGTERM, and wait; its exit code, LATE when it had to be killed."""
        assert self.running is not None
        try:
            code, _ = self.running.stop()
        except subprocess.TimeoutExpired:
            code = LATE
        self.running = None
        self._open.close()
        return code

    def lose(self) -> None:
        """SIGKILL to it and all its processes at once, as a machine dies."""
        assert self.running is not None
        pid = self.running.supervisor_pid
        os.kill(pid, signal.SIGSTOP)  # it must not start them again, nor they hear of its end
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in path.read_text().split():
                os.kill(int(child), signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        self.running = None
        self._open.close()

    def close(self) -> None:
        """Whatever it does."""
        self._open.close()


class Broker(Protocol):
    """A Kafka to be troubled."""

    @property
    def bootstrap(self) -> str: ...

    def kill(self) -> None: ...

    def restart(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def stop(self) -> None: ...


class Arena:
    """The installation under test."""

    def __init__(
        self,
        folder: Path,
        *,
        options: Mapping[str, str] | None = None,
        kafka: Broker | None = None,
        replication: int = 1,
        bug: str | None = None,
    ) -> None:
        self.folder = folder
        self._open = ExitStack()
        folder.mkdir(parents=True, exist_ok=True)
        password = canary.word()
        api = f"127.0.0.1:{free_port()}"
        self.api_url = f"http://{api}"
        self.operator_key = canary.signing_secret()
        self.kafka: Broker = kafka or Kafka.start(folder / "kafka")
        self._open.callback(self.kafka.stop)
        self.redis = Redis.start(folder / "redis", ["--requirepass", password])
        self._open.callback(self.redis.stop)
        self.redis_url = self.redis.url().replace("redis://", f"redis://:{password}@")
        self.environment = {
            "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "HOOKLINE_REDIS_URL": self.redis_url,
            "HOOKLINE_TOPIC_PREFIX": _STAGE_PREFIX,
            "HOOKLINE_EVENT_TOPICS": f"{_STAGE_PREFIX}orders",
            "HOOKLINE_START": "earliest",
            "HOOKLINE_PARTITIONS": str(PARTITIONS),
            "HOOKLINE_ENCRYPTION_KEYS": f"chaos:{canary.encryption_key()}",
            "HOOKLINE_API_LISTEN": api,
            "HOOKLINE_ADMIN_LISTEN": "127.0.0.1:0",
            "HOOKLINE_OPERATOR_KEY": self.operator_key,
            "HOOKLINE_ALLOW_HTTP": "true",
            "HOOKLINE_ALLOW_NETWORKS": "127.0.0.0/8",
            "HOOKLINE_RETRY_DELAYS": ",".join(f"{each}s" for each in RETRY_DELAYS_S),
            "HOOKLINE_RETRY_FOR": "120s",
            "HOOKLINE_STATE_DIR": str(folder / "state"),
            **(options or {}),
        }
        fields = {name.removeprefix("HOOKLINE_").lower(): value for name, value in self.environment.items()}
        kafka_fields = {
            name.removeprefix("kafka_").replace("_", "."): fields.pop(name)
            for name in list(fields)
            if name.startswith("kafka_")
        }
        self.settings = Settings.model_validate({**fields, "kafka": kafka_fields})
        planting = {} if bug is None else {"PLANTED_BUG": bug, "PYTHONPATH": f"{_PLANTING}{os.pathsep}{ROOT}"}
        self.stage = Stage(self.environment | planting, self.settings, folder)
        create_topics(self.kafka.bootstrap, {self.stage.event_topic: PARTITIONS}, replication=replication)
        topics.create(topics.admin_client(self.settings), self.settings)
        hooks = [*steady_hooks(), *map(later_hook, range(LATER))]
        hooks += [changing_hook(slot, life) for slot in range(SLOTS) for life in range(GENERATIONS)]
        self.secrets = {hook.name: canary.signing_secret() for hook in hooks}
        self.customers = {name: self._customer(name) for name in ("north", "south", "odd")}
        self.hosts = House("first", self.stage, 4)
        self.guests = House("second", self.stage, 2)
        self._open.callback(self.hosts.close)
        self._open.callback(self.guests.close)

    def close(self) -> None:
        """End everything."""
        self._open.close()

    @property
    def houses(self) -> Sequence[House]:
        """The supervisors that run."""
        return [house for house in (self.hosts, self.guests) if house.running is not None]

    def add(self, customer: Customer) -> None:
        """Start one more receiver."""
        customer.start()
        self.customers[customer.name] = customer
        self._open.callback(customer.server.stop)

    def subscription(self, hook: Hook, url: str | None = None) -> Subscription:
        """A webhook as the topic holds it, with a header whose value is a canary; at its customer's, or at this URL."""
        return create(
            Wishes(
                tenant=hook.tenant,
                url=url or f"http://127.0.0.1:{self.customers[hook.name.partition('-')[0]].port}/{hook.name}",
                brand="hookline",
                event_types=hook.event_types or None,
                secret=self.secrets.get(hook.name) or canary.signing_secret(),
                filter_json=hook.filter_json or None,
                headers={"x-api-key": canary.word()},
                timeout_ms=hook.timeout_ms,
                ordering=hook.ordering,
            ),
            brand=brand("hookline"),
            keyring=Keyring.from_settings(self.settings),
            now_ms=time.time_ns() // 1_000_000,
            new_id=partial(str, hook.name),
            entropy=os.urandom,
            allow_http=True,
        )[0]

    def subscribe(self, hooks: Sequence[Hook], url_of: Callable[[Hook], str | None] = lambda _: None) -> None:
        """Write webhooks straight onto their topic."""
        subscriptions = [self.subscription(hook, url_of(hook)) for hook in hooks]
        topic = self.stage.topics.subscriptions
        write_now(
            self.settings,
            [NewRecord(topic=topic, key=each.id.encode(), value=record.encode(each)) for each in subscriptions],
        )

    def _customer(self, name: str) -> Customer:
        endpoints = [
            Endpoint(name=hook, temper=_temper(hook), secret=secret)
            for hook, secret in self.secrets.items()
            if hook.startswith(f"{name}-")
        ]
        listed, log, port = self.folder / f"{name}.json", self.folder / f"{name}.receipts", free_port()
        listed.write_text(json.dumps([asdict(each) for each in endpoints]))
        log.touch()
        server = LocalProcess(
            [*PYTHON, "tests.chaos.receiver", str(listed), str(log), str(port)],
            log=self.folder / f"{name}.log",
            environment={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        customer = Customer(name=name, port=port, log=log, server=server)
        customer.start()
        self._open.callback(server.kill)
        return customer


@contextmanager
def arena(
    folder: Path,
    *,
    options: Mapping[str, str] | None = None,
    kafka: Broker | None = None,
    replication: int = 1,
    bug: str | None = None,
) -> Iterator[Arena]:
    """An arena that ends with this context."""
    built = Arena(folder, options=options, kafka=kafka, replication=replication, bug=bug)
    try:
        yield built
    finally:
        built.close()


def is_finished(built: Arena) -> bool:
    """Whether everything is committed. A broker that was away may not lead its partitions yet: then it is not known."""
    return left_over(built) == ""


def left_over(built: Arena) -> str:
    """What is not committed, for a person; "" where all is."""
    try:
        found = built.stage.unfinished().items()
    except KafkaException as error:
        return f"nobody knows: {error}"
    return ", ".join(f"{records} of {topic}-{number}" for (topic, number), records in found)


def _temper(hook: str) -> Temper:
    return Temper(hook.rpartition("-")[2]) if hook.startswith("odd-") else Temper.HEALTHY
