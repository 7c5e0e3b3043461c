"""Records whose schema is not known hold up their own partition at most."""

from collections.abc import Mapping

from consumer.delivery.budget import DEFAULT
from consumer.delivery.core import Core
from consumer.delivery.offsets import Position
from consumer.delivery.schemas_wanted import RECORDS_MOST
from consumer.events.event import Decoded, Poison, Record, SchemaNeeded
from tests.deliveries import NOW_MS, event, rules, target_of

ORDERS, OTHERS = ("orders", 0), ("others", 0)


def record(offset: int, topic: str = "orders", value: bytes = b"x") -> Record:
    return Record(topic=topic, partition=0, offset=offset, key=None, value=value, headers=(), timestamp_ms=NOW_MS)


class Bench:
    """A core that reads two topics; of `orders` every schema is unknown until `known` says what comes of it."""

    def __init__(self) -> None:
        self.known: Mapping[int, Decoded] = {}
        self.core = Core(rules(), decode=self._decode, target=target_of)
        self.core.assigned({ORDERS: Position(0), OTHERS: Position(0)})

    def _decode(self, whole: Record) -> Decoded:
        if whole.topic == "others":
            return event("evt_1", tenant="acme", offset=whole.offset)
        return self.known.get(7, SchemaNeeded(schema_id=7))

    def give(self, number: int, value: bytes = b"x") -> None:
        self.core.records(NOW_MS, [record(offset, value=value) for offset in range(number)])


def test_a_partition_whose_schema_is_not_known_is_paused_at_its_share_and_the_others_are_read_on() -> None:
    bench = Bench()
    bench.give(RECORDS_MOST)
    step = bench.core.next(NOW_MS, NOW_MS)
    assert (step.schemas, step.pause) == ([7], [ORDERS])
    assert bench.core.room == Bench().core.room > 0
    bench.core.records(NOW_MS, [record(0, "others")])
    assert bench.core.next(NOW_MS, NOW_MS).load == {"acme": None}


def test_what_waits_is_counted_in_bytes_as_well() -> None:
    bench = Bench()
    bench.give(4, b"x" * (DEFAULT.held // 16))
    assert bench.core.next(NOW_MS, NOW_MS).pause == [ORDERS]


def test_it_is_resumed_when_the_registry_has_answered() -> None:
    bench = Bench()
    bench.give(RECORDS_MOST)
    bench.core.next(NOW_MS, NOW_MS)
    bench.known = {7: Poison(reason="unknown_schema", detail="the Schema Registry has no schema 7")}
    bench.core.schema_answered(NOW_MS, 7)
    step = bench.core.next(NOW_MS, NOW_MS)
    assert len(step.write) == RECORDS_MOST
    assert step.resume == [ORDERS]
    assert not bench.core.paused


def test_records_of_a_partition_that_is_lost_are_forgotten() -> None:
    bench = Bench()
    bench.give(RECORDS_MOST)
    bench.core.lost([ORDERS])
    assert not bench.core.busy
    bench.core.assigned({ORDERS: Position(0)})
    bench.give(1)
    assert not bench.core.paused
