"""What the topic of tenants' keys comes to, for whoever destroys keys or seals them anew."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from consumer.data_keys.kept_keys import KeptKeys, destroy, kept_keys, reseal
from consumer.data_keys.key_record import SealedKey, destroyed, record_of, sealed_key, secret_of
from consumer.events.event import Record
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.webhooks.keyring import Keyring

OLD, NEW = Keyring({"old": bytes(32)}), Keyring({"new": bytes([1] * 32), "old": bytes(32)})
A, B = "aa" * 8, "bb" * 8
TOPIC = "t.tenant-keys"


def key(key_id: str, tenant: str = "acme", keyring: Keyring = OLD, at_ms: int = 1) -> SealedKey:
    secret = key_id.encode() * 2
    return sealed_key(keyring, key_id=key_id, tenant=tenant, secret=secret, created_at_ms=at_ms)


class Log:
    """The topic, which also writes at once. `before` is called before each write."""

    name = TOPIC

    def __init__(self, *news: NewRecord) -> None:
        self.news = [*news]
        self.beside: list[NewRecord] = []

    def records(self) -> Iterator[Record]:
        for offset, new in enumerate(self.news):
            yield Record(
                topic=TOPIC, partition=0, offset=offset, key=new.key, value=new.value, headers=(), timestamp_ms=0
            )

    def read(self) -> KeptKeys | None:
        return kept_keys(self.records())

    def write(self, record: NewRecord) -> "Future[Place]":
        assert record.topic == TOPIC
        self.news += [*self.beside, record]
        self.beside = []
        done: Future[Place] = Future()
        done.set_result(Place(partition=0, offset=len(self.news) - 1))
        return done


@pytest.fixture
def topic() -> Log:
    return Log(record_of(TOPIC, key(A)), record_of(TOPIC, key(B, "other")))


def test_the_last_record_of_a_key_counts_and_a_tenants_come_in_their_order() -> None:
    log = Log(
        record_of(TOPIC, key(A, at_ms=5)),
        record_of(TOPIC, key(B, at_ms=3)),
        record_of(TOPIC, key("cc" * 8, "other")),
        NewRecord(topic=TOPIC, key=b"data-key:" + b"dd" * 8, value=b"none"),
        NewRecord(topic=TOPIC, key=b"last-written", value=None),
    )
    kept = kept_keys(log.records())
    assert [each.id for each in kept.of("acme")] == [B, A]
    assert [each.id for each in kept.of("other")] == ["cc" * 8]
    log.write(destroyed(TOPIC, A))
    assert [each.id for each in kept_keys(log.records()).of("acme")] == [B]


def test_what_is_destroyed_is_written_with_something_behind_it(topic: Log) -> None:
    destroy(topic, [A])
    assert [(each.key, each.value) for each in topic.news[-2:]] == [
        (b"data-key:" + A.encode(), None),
        (b"last-written", None),
    ]
    assert kept_keys(topic.records()).keys.keys() == {B}


def test_each_key_is_sealed_anew_and_stays_the_same_key(topic: Log) -> None:
    told = reseal(topic, NEW)
    assert (told.keys, told.resealed, told.left, told.uses, told.unreadable) == (2, 2, 0, {"new": 2}, {})
    [mine] = kept_keys(topic.records()).of("acme")
    assert (mine.sealed.key_id, mine.created_at_ms) == ("new", 1)
    assert secret_of(NEW.only("new"), mine) == A.encode() * 2
    assert reseal(topic, NEW).resealed == 0


def test_a_key_that_was_destroyed_while_it_was_sealed_anew_does_not_return(topic: Log) -> None:
    topic.beside = [destroyed(TOPIC, A)]  # right before the first write
    told = reseal(topic, NEW)
    kept = kept_keys(topic.records())
    assert ({*kept.keys}, {*kept.returned}) == ({B}, set())
    assert told.keys == 1


def test_a_key_that_cannot_be_opened_is_left_as_it_is_and_named(topic: Log) -> None:
    told = reseal(topic, Keyring({"new": bytes([1] * 32)}))
    assert (told.resealed, sorted(told.unreadable), told.uses) == (0, [A, B], {"old": 2})
    assert "does not name that key" in told.unreadable[A]


def test_without_the_topic_there_are_none() -> None:
    class Nowhere(Log):
        def read(self) -> KeptKeys | None:
            return None

    assert reseal(Nowhere(), NEW).keys == 0
