from functools import partial
from typing import Any, cast

import pytest

from consumer.kafka.client import KafkaBroken
from consumer.kafka.producer import Acknowledged, Produced, RecordProducer, Refused
from consumer.kafka.writing import NewRecord
from consumer.roles.acknowledged_writes import AcknowledgedWrites


class Producer:
    """Answers as the test has them, each once."""

    def __init__(self) -> None:
        self.written: list[tuple[int, bytes | None]] = []
        self.answers: list[Produced] = []
        self.at_close: list[Produced] = []

    def write(self, token: int, *, value: bytes | None, **_: Any) -> None:  # noqa: ANN401 # the record's other parts
        self.written.append((token, value))

    def poll(self) -> list[Produced]:
        answers, self.answers = self.answers, []
        return answers

    def close(self, timeout_s: float) -> int:
        self.answers += self.at_close
        return 0


def acknowledged(token: int) -> Acknowledged:
    return Acknowledged(token=token, timestamp_ms=None)


def test_what_follows_a_record_happens_once_and_after_its_acknowledgement() -> None:
    producer, followed = Producer(), list[str]()
    writes = AcknowledgedWrites(cast("RecordProducer", producer))
    for name in ("first", "second"):
        writes.write(NewRecord(topic="t", key=b"k", value=name.encode()), partial(followed.append, name))
    (first, _), (second, _) = producer.written
    writes.poll()
    assert followed == []
    producer.answers = [acknowledged(second)]
    writes.poll()
    producer.at_close = [acknowledged(first)]
    writes.close(0.1)
    writes.poll()
    assert followed == ["second", "first"]


def test_nothing_follows_a_record_that_is_refused() -> None:
    producer, followed = Producer(), list[str]()
    writes = AcknowledgedWrites(cast("RecordProducer", producer))
    writes.write(NewRecord(topic="t", key=b"k", value=b"v"), lambda: followed.append("it"))
    [(token, _)] = producer.written
    producer.answers = [Refused(token=token, reason="no room", too_large_bytes=None)]
    with pytest.raises(KafkaBroken, match="no room"):
        writes.poll()
    assert followed == []
