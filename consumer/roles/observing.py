"""What a delivery process tells of itself: its core's figures, and of each of its partitions.

The law: it reads, once a second, and changes nothing.
"""

from typing import Final, Protocol

from consumer.delivery.core import Core
from consumer.delivery.offsets import Partition
from consumer.delivery.tally import Tally
from consumer.delivery.vitals import PartitionVitals
from consumer.roles.clock import Clock
from consumer.telemetry.snapshot import Reading

FIRST: Final = "first"
LATER: Final = "later"


class Consumed(Protocol):
    """What is consumed from: see `PartitionConsumer`."""

    def log_end(self, partition: Partition) -> int | None:
        """The offset behind the partition's last record, as far as it is known."""


class Observing:
    """Owned by the loop, like what it reads."""

    def __init__(self, core: Core, consumer: Consumed, clock: Clock) -> None:
        self._core = core
        self._consumer = consumer
        self._clock = clock

    def tell(self, reading: Reading) -> None:
        """All there is to tell now."""
        now_ms = self._clock.now_ms()
        vitals = self._core.vitals(now_ms, self._clock.steady_ms())
        reading.value("hookline_deliveries_waiting", vitals.waiting)
        reading.value("hookline_deliveries_in_flight", vitals.in_flight)
        reading.value("hookline_deliveries_held", sum(each.held for each in vitals.partitions))
        reading.value("hookline_retry_overdue_seconds", vitals.overdue_ms / 1_000)
        reading.value("hookline_partitions_assigned", len(vitals.partitions))
        for state, number in vitals.lanes.items():
            reading.value("hookline_lanes", number, state)
        for each in vitals.partitions:
            self._partition(reading, each, now_ms)
        _tally(reading, self._core.tally)

    def _partition(self, reading: Reading, vitals: PartitionVitals, now_ms: int) -> None:
        topic, number = vitals.partition
        place = (topic, str(number))
        age_ms = 0 if vitals.oldest_ms is None else max(0, now_ms - vitals.oldest_ms)
        reading.value("hookline_oldest_unfinished_age_seconds", age_ms / 1_000, *place)
        reading.value("hookline_records_unfinished", vitals.unfinished, *place)
        reading.value("hookline_commit_map_chars", vitals.map_chars, *place)
        end = self._consumer.log_end(vitals.partition)
        if end is not None:
            reading.value("hookline_records_unstarted", max(0, end - vitals.next), *place)


def _tally(reading: Reading, tally: Tally) -> None:
    for (outcome, code), number in list(tally.attempts.items()):
        reading.value("hookline_attempts_total", number, outcome, code)
    for outcome, buckets in tally.durations.items():
        reading.histogram("hookline_attempt_duration_seconds", buckets, outcome)
    reading.histogram("hookline_delivery_latency_seconds", tally.first, FIRST)
    reading.histogram("hookline_delivery_latency_seconds", tally.later, LATER)
    reading.value("hookline_connections_total", tally.reused, "true")
    reading.value("hookline_connections_total", tally.connected, "false")
    for name, counts in (("spills", tally.spills), ("dead_letters", tally.dead_letters), ("poison", tally.poison)):
        for word, number in counts.items():
            reading.value(f"hookline_{name}_total", number, str(word))
