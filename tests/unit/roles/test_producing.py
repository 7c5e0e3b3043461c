"""Records on their way to the producer: encoded as it has room for them, and every one of them in the end."""

from typing import cast

import pytest

from consumer.delivery.core import Core
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Position
from consumer.delivery.step import Write
from consumer.events.event import Poison, Record
from consumer.events.reasons import PoisonReason
from consumer.kafka.clock import BrokerClocks
from consumer.kafka.producer import Acknowledged, Produced, RecordProducer
from consumer.kafka.topic_specs import Topics
from consumer.roles.clock import Clock
from consumer.roles.encoding import Encoding
from consumer.roles.producing import Producing
from consumer.roles.writes import Produce
from tests.deliveries import NOW_MS, rules, target_of

PLACE = ("events", 0)
ROOM = 3
POISON = Poison(reason=PoisonReason.UNDECODABLE, detail="no JSON")


class Records:
    """A producer with room for a few records, of which each poll acknowledges one."""

    def __init__(self, place: tuple[str, int, int] | None = None) -> None:
        self.queued: list[int] = []
        self.place = place

    @property
    def full(self) -> bool:
        return len(self.queued) > ROOM

    def write(self, token: int, **record: object) -> None:
        del record
        assert not self.full
        self.queued.append(token)

    def poll(self) -> list[Produced]:
        if not self.queued:
            return []
        return [Acknowledged(token=self.queued.pop(0), timestamp_ms=None, place=self.place)]


class Counting(Encoding):
    """Counts what was encoded."""

    encoded = 0

    def write(self, entry: Entry, write: Write) -> Produce:
        self.encoded += 1
        return super().write(entry, write)


class Told:
    """Stands for a core that is told of acknowledgements."""

    def __init__(self) -> None:
        self.told: list[tuple[int, tuple[int, int] | None]] = []

    def acknowledged(self, token: int, place: tuple[int, int] | None) -> None:
        self.told.append((token, place))


@pytest.mark.parametrize(("topic", "told"), [("t.ordered", (3, 41)), ("t.poison", None)])
def test_a_place_is_told_of_the_ordered_topic_alone(topic: str, told: tuple[int, int] | None) -> None:
    """A record that could not be encoded is poison, and lies elsewhere."""
    core, records, topics = Told(), Records((topic, 3, 41)), Topics("t.", ("1s",))
    producing = _producing(cast("Core", core), records, cast("Encoding", None), topics)
    records.write(7)
    producing.tell()
    assert core.told == [(7, told)]


def _producing(core: Core, records: Records, encoding: Encoding, topics: Topics) -> Producing:
    return Producing(
        core,
        records=cast("RecordProducer", records),
        encoding=encoding,
        clocks=BrokerClocks(),
        clock=Clock(),
        topics=topics,
        taken_bytes=1_000_000,
    )


def test_a_record_is_encoded_when_there_is_room_for_it_and_all_are_written_in_their_order() -> None:
    core, records, topics = Core(rules(), decode=lambda _: POISON, target=target_of), Records(), Topics("t.", ("1s",))
    core.assigned({PLACE: Position(0)})
    encoding = Counting(core.boundaries, topics, "kafka_dlt")
    producing = _producing(core, records, encoding, topics)
    topic, partition = PLACE
    core.records(
        NOW_MS,
        [
            Record(topic=topic, partition=partition, offset=n, key=None, value=b"x", headers=(), timestamp_ms=NOW_MS)
            for n in range(50)
        ],
    )
    producing.write(core.next(NOW_MS, NOW_MS).write)
    assert encoding.encoded == ROOM + 1
    for told in range(1, 51):
        producing.tell()
        assert core.positions()[PLACE].offset == told
        assert encoding.encoded == min(50, ROOM + 1 + told)
