"""Which part of a topic is read for one key: nothing of the key is left out, whenever partitions were added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.offsets import Partition
from consumer.kafka import key_spans
from consumer.kafka.key_spans import LEARNT_WITHIN_MS, of_key
from consumer.kafka.partitioner import murmur2, partition_of
from consumer.kafka.spans import Span

HOUR_MS = 3_600_000
NOW_MS = 2_000 * HOUR_MS


# Of Kafka's own test: clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, `testMurmur2`.
@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_a_key_is_hashed_as_kafka_hashes_it(text: bytes, hashed: int) -> None:
    assert murmur2(text) == hashed & 0xFFFFFFFF


@dataclass
class Topic:
    """A topic's records as time and key, by partition; the first `begins` of each are gone."""

    records: list[list[tuple[int, bytes]]]
    begins: list[int]
    asked: list[int] = field(default_factory=list)

    @property
    def logs(self) -> dict[Partition, Span]:
        return {("t", number): Span(self.begins[number], len(each)) for number, each in enumerate(self.records)}

    def first_since(self, logs: Mapping[Partition, Span], since_ms: int) -> dict[Partition, int]:
        self.asked.append(since_ms)
        return {
            place: next((at for at in range(*log) if self.records[place[1]][at][0] >= since_ms), log.end)
            for place, log in logs.items()
        }

    def of(self, key: bytes, spans: Mapping[Partition, Span]) -> list[tuple[int, int]]:
        return [
            (number, at)
            for (_, number), span in sorted(spans.items())
            for at in range(span.begin, span.end)
            if self.records[number][at][1] == key
        ]


@st.composite
def topics(draw: st.DrawFn) -> Topic:
    """One that grew, with the records of a few keys; a producer may learn of a new partition late."""
    grown = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    grew_ms = sorted(draw(st.lists(st.integers(0, NOW_MS), min_size=len(grown), max_size=len(grown))))
    grew_ms[0] = 0
    records: list[list[tuple[int, bytes]]] = [[] for _ in range(sum(grown))]
    for at_ms in sorted(draw(st.lists(st.integers(0, NOW_MS), max_size=40))):
        late_ms = draw(st.integers(0, LEARNT_WITHIN_MS))
        known = sum(size for size, since_ms in zip(grown, grew_ms, strict=True) if since_ms <= at_ms - late_ms)
        key = draw(st.sampled_from([b"wh_1", b"wh_2", b"wh_3", b"wh_4", b"wh_5"]))
        records[partition_of(key, max(known, grown[0]))].append((at_ms, key))
    begins = [draw(st.integers(0, len(each))) for each in records]
    return Topic(records=records, begins=begins)


@given(topics(), st.sampled_from([b"wh_1", b"wh_2"]), st.integers(0, NOW_MS), st.booleans())
def test_no_record_of_the_key_is_left_out(topic: Topic, key: bytes, since_ms: int, in_time: bool) -> None:
    left_out(topic, key, since_ms if in_time else 0)


def left_out(topic: Topic, key: bytes, since_ms: int) -> None:
    logs = topic.logs
    starts = topic.first_since(logs, since_ms)
    spans = {place: Span(starts[place], log.end) for place, log in logs.items()}
    narrowed = of_key(topic, key, logs, spans, since_ms=since_ms, now_ms=NOW_MS)
    assert topic.of(key, narrowed) == topic.of(key, spans)


def test_what_would_leave_a_record_out_is_found() -> None:
    """Two planted bugs: a partition's age is not asked for, and nobody learns of a partition late."""
    own, other = partition_of(b"wh_1", 3), partition_of(b"wh_1", 1)
    assert own != other
    grown: list[list[tuple[int, bytes]]] = [[(0, b"x")], [(0, b"x")], [(0, b"x")]]
    grown[other] += [(5 * HOUR_MS, b"wh_1"), (10 * HOUR_MS + 200_000, b"wh_1")]
    grown[own] = [(10 * HOUR_MS, b"x"), (11 * HOUR_MS, b"wh_1")]
    topic = Topic(grown, [0, 0, 0])
    left_out(topic, b"wh_1", HOUR_MS)
    with patch.object(key_spans, "_complete_since", lambda *_: 0), pytest.raises(AssertionError):
        left_out(topic, b"wh_1", HOUR_MS)
    with patch.object(key_spans, "LEARNT_WITHIN_MS", 0), pytest.raises(AssertionError):
        left_out(topic, b"wh_1", HOUR_MS)


def test_of_a_topic_that_did_not_grow_one_partition_is_read_and_two_questions_are_asked() -> None:
    topic = Topic([[(at, b"x") for at in range(0, NOW_MS, HOUR_MS)] for _ in range(8)], [0] * 8)
    spans = {place: Span(1_000, log.end) for place, log in topic.logs.items()}
    narrowed = of_key(topic, b"wh_1", topic.logs, spans, since_ms=1_000 * HOUR_MS, now_ms=NOW_MS)
    assert [place[1] for place, span in narrowed.items() if span.begin < span.end] == [partition_of(b"wh_1", 8)]
    assert len(topic.asked) == 2


def test_of_the_others_the_first_minutes_are_read_where_all_is_asked_for() -> None:
    topic = Topic([[(at, b"x") for at in range(HOUR_MS, NOW_MS, 100_000)] for _ in range(8)], [0] * 8)
    narrowed = of_key(topic, b"wh_1", topic.logs, topic.logs, since_ms=0, now_ms=NOW_MS)
    assert {span.end for place, span in narrowed.items() if place[1] != partition_of(b"wh_1", 8)} <= {4, 5}
    assert len(topic.asked) < 22


def test_where_a_partition_holds_nothing_all_are_read() -> None:
    topic = Topic([[(HOUR_MS, b"x")], []], [0, 0])
    assert of_key(topic, b"wh_1", topic.logs, topic.logs, since_ms=2 * HOUR_MS, now_ms=NOW_MS) == topic.logs
