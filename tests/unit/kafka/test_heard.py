from typing import cast

import pytest
from confluent_kafka import KafkaError, Message

from consumer.kafka.client import AccessDenied, KafkaFatal
from consumer.kafka.heard import Heard

PLACE = ("t", 0)


class Said:
    """A message that holds an error."""

    def __init__(self, topic: str | None = "t", partition: int | None = 0, offset: int | None = 7) -> None:
        self._place = (topic, partition, offset)

    def topic(self) -> str | None:
        return self._place[0]

    def partition(self) -> int | None:
        return self._place[1]

    def offset(self) -> int | None:
        return self._place[2]


def heard(*, foreign: bool = True) -> Heard:
    return Heard(group="g", foreign=foreign, owns=lambda place: place == PLACE)


def tell(hearing: Heard, code: int, message: Said | None = None) -> None:
    hearing.in_place_of_a_record(cast("Message", message or Said()), KafkaError(code))


def test_it_is_calm_from_when_records_came_after_the_last_trouble() -> None:
    now_s = [100.0]
    hearing = Heard(group="g", foreign=True, owns=lambda _: True, monotonic_s=lambda: now_s[0])
    now_s[0] += 7
    assert hearing.calm_s == 7
    hearing.client(KafkaError(KafkaError._TRANSPORT))
    now_s[0] += 1
    assert hearing.calm_s == 0
    hearing.records()
    now_s[0] += 2
    assert hearing.calm_s == 2
    hearing.records()
    assert hearing.calm_s == 2


def test_the_end_of_a_log_is_known_until_the_next_take_or_until_it_is_read_elsewhere() -> None:
    hearing = heard()
    tell(hearing, KafkaError._PARTITION_EOF)
    tell(hearing, KafkaError._PARTITION_EOF, Said(partition=1))
    assert dict(hearing.ends) == {PLACE: 7}, "only of what is ours"
    hearing.moved(PLACE)
    assert not hearing.ends
    tell(hearing, KafkaError._PARTITION_EOF)
    hearing.begin()
    assert not hearing.ends


def test_an_offset_that_is_gone_is_told_once_and_not_of_a_partition_that_went() -> None:
    hearing = heard()
    tell(hearing, KafkaError._AUTO_OFFSET_RESET)
    [(place, (wanted, _))] = hearing.begin().items()
    assert (place, wanted) == (PLACE, 7)
    assert not hearing.begin()
    tell(hearing, KafkaError._AUTO_OFFSET_RESET)
    hearing.forget([PLACE])
    assert not hearing.begin()


def test_a_missing_right_costs_a_topic_of_the_users_alone_and_ends_whoever_reads_ours() -> None:
    tell(heard(), KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(AccessDenied, match="READ on group g and on t"):
        tell(heard(foreign=False), KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(AccessDenied, match="on the topics it reads"):
        tell(heard(), KafkaError.GROUP_AUTHORIZATION_FAILED, Said(topic=None, partition=None))


def test_only_a_fatal_error_ends_the_consumer() -> None:
    hearing = heard()
    hearing.client(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    hearing.check()
    hearing.client(KafkaError(KafkaError._FATAL, "fenced", fatal=True))
    with pytest.raises(KafkaFatal):
        hearing.check()
