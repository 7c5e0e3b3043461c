"""The records that the core's deliveries rest on, on their way to Kafka, and what Kafka says of them.

The laws:
- every record that the core wants written is acknowledged to it, or a stub stands for it. Refused for any other reason
  it ends the process, and what it was written for is read again;
- a record is encoded when the producer has room for it: what waits until then shares its event with others.
"""

from collections import deque
from collections.abc import Iterable

import structlog

from consumer.delivery.core import Core
from consumer.delivery.step import Write
from consumer.kafka.client import KafkaBroken
from consumer.kafka.clock import BrokerClocks
from consumer.kafka.producer import Acknowledged, RecordProducer, Refused
from consumer.kafka.topic_specs import Topics
from consumer.roles.clock import Clock
from consumer.roles.encoding import Encoding
from consumer.roles.writes import topic_of

_log = structlog.get_logger("worker")


class Producing:
    """Owned by the loop. Every topic of ours takes `taken_bytes`."""

    def __init__(
        self,
        core: Core,
        *,
        records: RecordProducer,
        encoding: Encoding,
        clocks: BrokerClocks,
        clock: Clock,
        topics: Topics,
        taken_bytes: int,
    ) -> None:
        self._core = core
        self._records = records
        self._encoding = encoding
        self._clocks = clocks
        self._clock = clock
        self._topics = topics
        self._taken_bytes = taken_bytes
        self._waiting: deque[tuple[int, Write]] = deque()
        self._times = 0  # records written for their append time alone, under tokens below 0; the core's are above

    def write(self, writes: Iterable[tuple[int, Write]]) -> None:
        """Produce these, each under its token, as there is room."""
        self._waiting += writes
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and not self._records.full:
            token, write = self._waiting.popleft()
            record = self._encoding.write(self._core.written_for(token), write)
            self._records.write(token, topic=record.topic, key=record.key, value=record.value, headers=record.headers)

    def ask_times(self, steady_ms: int) -> None:
        """Write an empty record where a broker's clock is to be known: the time at which it is appended tells it."""
        held = self._core.held
        self._clocks.waiting(held)
        for topic, partition in self._clocks.to_ask(held, steady_ms):
            self._times -= 1
            self._records.write(self._times, topic=topic, key=None, value=None, partition=partition)

    def tell(self) -> None:
        """Tell the core what was acknowledged, and the clocks when it was appended.

        Raises:
            KafkaBroken: Kafka refuses a record that it has to take.
        """
        outcomes = self._records.poll()
        steady_ms = self._clock.steady_ms()  # after they came: an earlier reading would set the broker's clock ahead
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                self._refused(outcome)
                continue
            if outcome.token > 0:
                self._core.acknowledged(outcome.token, self._in_line(outcome))
            elif outcome.timestamp_ms is not None and outcome.place is not None:
                topic, partition, offset = outcome.place
                self._clocks.acknowledged((topic, partition), offset, outcome.timestamp_ms, steady_ms)
        self._go_on()

    def _in_line(self, outcome: Acknowledged) -> tuple[int, int] | None:
        """Where it lies in the ordered topic; what could not be encoded lies elsewhere."""
        place = outcome.place
        return (place[1], place[2]) if place is not None and place[0] == self._topics.ordered else None

    def _refused(self, refused: Refused) -> None:
        """A record larger than our topics must be able to take is written as a stub; any other they have to take."""
        size = refused.too_large_bytes
        if size is None or size <= self._taken_bytes:
            raise KafkaBroken(f"a record that must not be lost was refused: {refused.reason}")
        write = self._core.refused(self._clock.now_ms(), refused.token, size)
        topic = topic_of(write, self._topics)
        _log.error("record too large for its topic: written as a stub", topic=topic, bytes=size)
