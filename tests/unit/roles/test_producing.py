"""Records on their way to the producer: encoded as it has room for them, and every one of them in the end."""

from typing import cast

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

    def __init__(self) -> None:
        self.queued: list[int] = []

    @property
    def full(self) -> bool:
        return len(self.queued) > ROOM

    def write(self, token: int, **record: object) -> None:
        del record
        assert not self.full
        self.queued.append(token)

    def poll(self) -> list[Produced]:
        return [Acknowledged(token=self.queued.pop(0), timestamp_ms=None)] if self.queued else []


class Counting(Encoding):
    """Counts what was encoded."""

    encoded = 0

    def write(self, entry: Entry, write: Write) -> Produce:
        self.encoded += 1
        return super().write(entry, write)


def test_a_record_is_encoded_when_there_is_room_for_it_and_all_are_written_in_their_order() -> None:
    core, records, topics = Core(rules(), decode=lambda _: POISON, target=target_of), Records(), Topics("t.", ("1s",))
    core.assigned({PLACE: Position(0)})
    encoding = Counting(core.boundaries, topics, "kafka_dlt")
    producing = Producing(
        core,
        records=cast("RecordProducer", records),
        encoding=encoding,
        clocks=BrokerClocks(),
        clock=Clock(),
        topics=topics,
        taken_bytes=1_000_000,
    )
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
