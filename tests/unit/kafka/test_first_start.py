"""What is told of records that nobody decided about never waits for the time of the oldest of them."""

import pytest

from consumer.events.event import Record
from consumer.kafka.client import AccessDenied, KafkaBroken
from consumer.kafka.first_start import oldest_ms
from consumer.kafka.picking import NothingThere


class Topic:
    """Partitions whose first records have these times, or cannot be read for this reason. Each takes a second."""

    def __init__(self, *firsts: int | Exception) -> None:
        self.firsts = firsts
        self.now_s = 100.0

    def pick(self, partition: int, offset: int, *, within_s: float) -> Record:
        self.now_s += min(1.0, within_s)
        first = KafkaBroken("too late") if within_s < 1.0 else self.firsts[partition]
        if isinstance(first, Exception):
            raise first
        return Record(
            topic="t", partition=partition, offset=offset, key=None, value=b"", headers=(), timestamp_ms=first
        )

    def oldest_ms(self) -> int | None:
        return oldest_ms(self, dict.fromkeys(range(len(self.firsts)), 0), 104.5, lambda: self.now_s)


@pytest.mark.parametrize(
    ("firsts", "oldest"),
    [
        ((7, 5, NothingThere("only a marker"), 9), 5),
        ((NothingThere("only a marker"),), None),
        ((7, KafkaBroken("no leader"), 5), None),
        ((7, 6, 5, 4, 3), None),
        ((7, 6, 5, 4, 3, 2), None),
    ],
)
def test_the_oldest_record_s_time_where_all_are_read_in_time(
    firsts: tuple[int | Exception, ...], oldest: int | None
) -> None:
    topic = Topic(*firsts)
    assert topic.oldest_ms() == oldest
    assert topic.now_s <= 104.5


def test_what_may_not_be_read_is_said() -> None:
    with pytest.raises(AccessDenied):
        Topic(AccessDenied("READ is missing", code="TOPIC_AUTHORIZATION_FAILED")).oldest_ms()
