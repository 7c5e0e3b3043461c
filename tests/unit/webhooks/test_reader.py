"""What one tenant's webhooks in the cache may be, and what two threads see of it at once. The rest: a real Redis."""

from collections.abc import Callable
from typing import Self, cast

from structlog.testing import capture_logs

from consumer.webhooks import record
from consumer.webhooks.cache import Client
from consumer.webhooks.reader import Loaded, Reader, Unavailable, Unchanged
from tests.webhook_samples import subscription


class Redis:
    """Answers of scripts.READ as the test has them; `meanwhile` happens before they are read."""

    def __init__(self) -> None:
        self.values: dict[str, list[object]] = {}
        self.versions: dict[str, str] = {}
        self.beat = 1
        self.epoch = "e"
        self.meanwhile: Callable[[], object] = lambda: None
        self._asked: list[list[object]] = []

    def pipeline(self, *, transaction: bool) -> "Redis":
        assert not transaction
        return self

    def __enter__(self) -> Self:
        self._asked = []
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute_command(self, *words: str) -> None:
        tenant, known, most = words[-3:]
        values = self.values.get(tenant, [])
        version = self.versions.get(tenant, "1")
        state = b"unchanged" if version == known else b"many" if len(values) > int(most) else b"loaded"
        head = [state, self.epoch.encode(), b"%d" % self.beat, b"0", version.encode()]
        self._asked.append([*head, values if state == b"loaded" else []])

    def execute(self) -> list[list[object]]:
        asked, (meanwhile, self.meanwhile) = self._asked, (self.meanwhile, lambda: None)
        meanwhile()
        return asked


def reader_of(redis: Redis) -> Reader:
    return Reader(cast("Client", redis), topic_prefix="", silence_ms=10_000, monotonic_s=lambda: 0.0)


def test_a_webhook_that_raises_while_it_is_made_ready_costs_its_own_tenant_only_and_is_told_once() -> None:
    redis = Redis()
    good = record.encode(subscription("wh_1", tenant="good"))
    redis.values = {"bad": [good, 7], "good": [good], "corrupt": [b"x"]}  # by type Redis never answers a number
    reader = reader_of(redis)
    with capture_logs() as lines:
        for _ in range(3):
            readings = reader.read({"bad": None, "good": None, "corrupt": None})
            assert isinstance(readings["bad"], Unavailable)
            assert isinstance(readings["corrupt"], Unavailable)
            assert isinstance(readings["good"], Loaded)
        redis.versions["bad"] = "2"
        reader.read({"bad": None})
        redis.values["bad"] = [good]
        redis.versions["bad"] = "3"
        assert isinstance(reader.read({"bad": None})["bad"], Loaded)
    assert [(line["log_level"], line["event"], line["tenant"]) for line in lines] == [
        ("error", "bug contained", "bad")
    ] * 2
    assert " in match at consumer/" in lines[0]["where"]


def test_a_tenant_with_many_webhooks_is_told_from_those_with_few_and_is_unchanged_as_they_are() -> None:
    redis = Redis()
    values: list[object] = [record.encode(subscription(f"wh_{number}")) for number in range(3)]
    redis.values = {"few": values[:2], "many": values}
    found, many = reader_of(redis).read_small({"few": None, "many": None}, 2)
    assert (list(found), many) == (["few"], ["many"])
    found, many = reader_of(redis).read_small({"many": "1"}, 2)
    assert (found, many) == ({"many": Unchanged()}, [])


def test_what_another_thread_has_seen_meanwhile_is_no_reason_for_doubt() -> None:
    redis = Redis()
    reader = reader_of(redis)
    reader.read({"acme": None})

    def another_reads() -> None:
        redis.beat = 2
        assert isinstance(reader.read({"acme": None})["acme"], Loaded)

    redis.meanwhile = another_reads
    assert isinstance(reader.read({"acme": None})["acme"], Loaded)


def test_a_replica_that_is_older_than_what_any_thread_has_seen_is_not_believed() -> None:
    redis = Redis()
    reader = reader_of(redis)

    def another_reads() -> None:
        redis.beat = 5
        reader.read({"acme": None})

    redis.meanwhile = another_reads
    reader.read({"acme": None})
    redis.beat = 4
    assert isinstance(reader.read({"acme": None})["acme"], Unavailable)
    redis.epoch = "f"
    redis.beat = 1
    assert isinstance(reader.read({"acme": None})["acme"], Loaded)
    redis.epoch = "e"
    redis.beat = 9
    assert isinstance(reader.read({"acme": None})["acme"], Unavailable)


def test_an_answer_of_before_an_epoch_that_another_thread_has_seen_leaves_that_one_in_force() -> None:
    redis = Redis()
    reader = reader_of(redis)
    reader.read({"acme": None})

    def another_reads() -> None:
        redis.epoch = "f"
        reader.read({"acme": None})

    redis.meanwhile = another_reads
    reader.read({"acme": None})
    assert isinstance(reader.read({"acme": None})["acme"], Loaded)
    redis.epoch = "e"
    assert isinstance(reader.read({"acme": None})["acme"], Unavailable)
