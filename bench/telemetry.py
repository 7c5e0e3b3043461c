"""What a delivery pays for being counted: `python -m bench.telemetry`, a few seconds on one core.

Everything that an accepted delivery adds to what is told of the process is done over and over, and the best of some
rounds is shown, in microseconds of processor time. Beside it stands what a snapshot takes, with some partitions: that
is paid once a second, whatever is delivered.
"""

import os
import time
from collections.abc import Callable

from consumer.delivery.answer import Response, Timing
from consumer.delivery.delivery import Delivery
from consumer.delivery.tally import DELIVERED, Tally
from consumer.delivery.vitals import PartitionVitals, Vitals
from consumer.events.event import Event
from consumer.roles.clock import Clock
from consumer.roles.observing import Observing
from consumer.telemetry.counters import Counters
from consumer.telemetry.distributions import Distributions
from consumer.telemetry.pulse import Pulse
from consumer.telemetry.snapshot import Reading, framed

_ROUNDS = 9
_DELIVERIES = 100_000
_SNAPSHOTS = 20
_PARTITIONS = 64
_A_TURN = 16  # deliveries: fewer than a loop at work has

_NOW_MS = 1_790_000_000_000
_EVENT = Event(
    id="1",
    type="order.paid",
    tenant="acme",
    product=None,
    time_ms=_NOW_MS,
    data=b"{}",
    topic="orders",
    partition=0,
    offset=0,
    timestamp_ms=_NOW_MS - 12,
)
_DELIVERY = Delivery(id="0" * 32, event=_EVENT, subscription_id="wh_1")
_ANSWER = Response(
    status=200, headers=(), body=b"", body_truncated=False, elapsed_ms=7.3, timing=Timing(first_byte_ms=7.0)
)


class _Core:
    """As much of a core as is told of."""

    def __init__(self) -> None:
        self.tally = Tally(("0s", "5s"))

    def vitals(self, _now_ms: int, _steady_ms: int) -> Vitals:
        places = [(("orders", number), number) for number in range(_PARTITIONS)]
        return Vitals(
            waiting=1,
            in_flight=2,
            overdue_ms=0,
            lanes={"open": 1, "in_order": 9},
            partitions=tuple(
                PartitionVitals(partition=place, next=1, unfinished=1, held=0, oldest_ms=_NOW_MS, map_chars=9)
                for place, _ in places
            ),
        )

    def log_end(self, _partition: object) -> int:
        return 100


def counted(number: int) -> None:
    """What an accepted delivery adds: its attempt, its latency, and its share of a turn's beat."""
    tally = Tally(("0s", "5s"))
    pulse = Pulse(Counters(), Distributions())
    reading, writing = os.pipe()
    pulse.open(writing, "deliver")
    pulse._due_s = float("inf")  # noqa: SLF001 # no snapshot meanwhile: it is measured by itself
    try:
        for at in range(number):
            tally.attempted(DELIVERED, _ANSWER)
            tally.accepted(_NOW_MS, _DELIVERY)
            if at % _A_TURN == 0:
                pulse.beat()
    finally:
        os.close(reading)
        os.close(writing)


def looped(number: int) -> None:
    """The loop alone, which is taken off."""
    for at in range(number):
        if at % _A_TURN == 0:
            pass


def told(number: int) -> None:
    """Whole snapshots, as they go down the pipe."""
    core = _Core()
    observing = Observing(core, core, Clock())  # type: ignore[arg-type] # as much of a core as is read
    for _ in range(number):
        reading = Reading("deliver")
        observing.tell(reading)
        framed(reading.snapshot(()))


def best_us(work: Callable[[int], None], number: int) -> float:
    """Microseconds of processor time for one, in the best of some rounds."""
    rounds = []
    for _ in range(_ROUNDS):
        began_s = time.process_time()
        work(number)
        rounds.append(time.process_time() - began_s)
    return min(rounds) / number * 1_000_000


def main() -> None:
    """Measure, and show."""
    delivery_us = best_us(counted, _DELIVERIES) - best_us(looped, _DELIVERIES)
    snapshot_us = best_us(told, _SNAPSHOTS)
    print(f"an accepted delivery   {delivery_us:6.2f} µs")
    print(f"a snapshot             {snapshot_us:6.0f} µs, once a second, with {_PARTITIONS} partitions")


if __name__ == "__main__":
    main()
