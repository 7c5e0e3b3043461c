"""When a write counts as written."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from consumer.control.applied import Seen
from consumer.control.directory import Directory
from consumer.control.owner import Owner
from consumer.control.refusal import WebhookUnknown
from consumer.control.topic_store import TopicStore
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.webhooks.history import Deletion
from tests.memory_topic import Cache, MemoryTopic, store_on
from tests.webhook_samples import changed, subscription

ACME = Owner(tenant="acme", brand="hookline")
FIRST = subscription()


class Silent(Future[Place]):
    """Nobody answers."""

    def result(self, timeout: float | None = None) -> Place:
        assert timeout is not None
        raise TimeoutError


class Refusing(MemoryTopic):
    def __init__(self, answer: "Future[Place]") -> None:
        super().__init__()
        self._answer = answer

    def write(self, record: NewRecord) -> "Future[Place]":
        del record
        return self._answer


class Lagging:
    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        del positions, timeout_s
        return False


def test_a_write_that_holds_is_found_at_once() -> None:
    store, _, _ = store_on(MemoryTopic())
    assert store.write(FIRST)
    assert store.find(ACME, "wh_1") == FIRST
    assert store.write(Deletion.of(FIRST))
    with pytest.raises(WebhookUnknown):
        store.find(ACME, "wh_1")


def test_a_write_of_a_revision_that_another_process_wrote_first_does_not_hold() -> None:
    topic = MemoryTopic()
    store, rival = store_on(topic)[0], store_on(topic)[0]
    assert store.write(FIRST)
    assert rival.write(changed(FIRST, name="rival"))
    assert not store.write(changed(FIRST, name="mine"))
    assert store.find(ACME, "wh_1").name == "rival"


def test_a_write_counts_though_a_later_one_is_there_already_when_it_is_looked_for() -> None:
    topic = MemoryTopic()
    store, _, view = store_on(topic)
    second = changed(FIRST, name="second")
    third = replace(changed(second), name="third")
    assert store.write(FIRST)
    assert store.write(second)
    assert store.write(third)
    assert view.reached({0: 3}, 0)
    assert store.find(ACME, "wh_1").name == "third"


@pytest.mark.parametrize("refused", [False, True])
def test_what_kafka_does_not_acknowledge_is_kafka_broken(refused: bool) -> None:
    answer = Silent()
    if refused:
        answer = Future[Place]()  # type: ignore[assignment] # a plain one
        answer.set_exception(KafkaBroken("refused"))
    store, _, _ = store_on(Refusing(answer))
    with pytest.raises(KafkaBroken):
        store.write(FIRST)


def test_what_cannot_be_read_back_is_kafka_broken() -> None:
    store = TopicStore("t", directory=Directory(), view=Lagging(), writer=MemoryTopic(), cache=Cache())
    with pytest.raises(KafkaBroken, match="read back"):
        store.write(FIRST)


def test_deliveries_that_do_not_follow_yet_are_said_once_and_the_write_holds() -> None:
    cache = Cache()
    cache.seen = Seen.NOT_YET
    store, _, _ = store_on(MemoryTopic(), cache)
    second = changed(FIRST, name="second")
    with capture_logs() as logs:
        assert store.write(FIRST)
        assert store.write(second)
        cache.seen = Seen.APPLIED
        assert store.write(changed(second, name="third"))
    said = "webhooks answered before deliveries follow them"
    assert [(each["event"], each.get("reason")) for each in logs] == [
        (said, "the projection has not applied it yet"), ("over: " + said, None),
    ]  # fmt: skip
