"""What a delivery pays for being counted: `python -m bench.telemetry`, a few seconds on one core.

Everything that an accepted delivery adds to what is told of the process is done over and over, and the best of some
rounds is shown, in microseconds of processor time. Beside it stands what a snapshot takes, with some partitions: that
is paid once a second, whatever is delivered.

And what a delivery pays for traces: where they are off, where it is not traced, and where it is: then by the loop, and
by the thread that makes its spans and encodes them.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from msgspec import structs

from consumer.delivery.answer import Response, Timing
from consumer.delivery.delivery import Attempt, Delivery
from consumer.delivery.lane import Job
from consumer.delivery.logged import logged
from consumer.delivery.outcome import DELIVERED as ACCEPTED
from consumer.delivery.spans import spans_of
from consumer.delivery.tally import Tally
from consumer.delivery.tracing import Tracing, ended
from consumer.delivery.vitals import PartitionVitals, Vitals
from consumer.events.event import Event
from consumer.roles.clock import Clock
from consumer.roles.observing import Observing
from consumer.telemetry.counters import Counters
from consumer.telemetry.distributions import Distributions
from consumer.telemetry.pulse import Pulse
from consumer.telemetry.snapshot import Reading, framed
from tests.deliveries import job

_ROUNDS = 9
_DELIVERIES = 100_000
_SNAPSHOTS = 20
_TRACED = 2_048
_RECORDED = 0.01
_BATCH = 64
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

_PRODUCER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


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
            tally.accepted(_NOW_MS, _DELIVERY, _ANSWER)
            if at % _A_TURN == 0:
                tally.gathered()
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


def decided(tracing: Tracing | None, number: int) -> None:
    """What an attempt that is not traced adds, or one where traces are off: two comparisons, and a question."""
    of = job()
    deliveries = (_DELIVERY, structs.replace(_DELIVERY, event=structs.replace(_EVENT, traceparent=_PRODUCER)))
    for at in range(number):
        if tracing is not None:
            of.traced = tracing.traced(deliveries[at & 1], _NOW_MS)
        if of.traced is not None:
            raise AssertionError("it is not traced")


def traced(number: int) -> None:
    """What an attempt that is traced adds to its loop."""
    of, attempt = _attempted()
    tracing = Tracing(1.0, follow=False)
    for _ in range(number):
        of.traced = tracing.traced(of.delivery, _NOW_MS)
        assert of.traced is not None
        structs.replace(of.delivery.event, traceparent=of.traced)
        ended(of, of.traced, attempt)


def exported(number: int) -> None:
    """And what it adds to the thread: two spans, made and encoded."""
    from consumer.telemetry.otlp import encoded  # noqa: PLC0415 # what does not trace does not load it

    of, attempt = _attempted()
    told = ended(of, Tracing(1.0, follow=False).traced(of.delivery, _NOW_MS) or "", attempt)
    for _ in range(number // _BATCH):
        spans = [span for _ in range(_BATCH) for span in spans_of(told, "hookline.deliver")]
        encoded(spans, {"service.name": "hookline"})


def _attempted() -> tuple[Job, Attempt]:
    of = job(of=structs.replace(_DELIVERY, subscription_id="sub_1"))
    return of, logged(of, _ANSWER, ACCEPTED, None)


def best_us(work: Callable[[int], None], number: int) -> float:
    """Microseconds of processor time for one, in the best of some rounds."""
    rounds = []
    for _ in range(_ROUNDS):
        began_s = time.process_time()
        work(number)
        rounds.append(time.process_time() - began_s)
    return min(rounds) / number * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """In µs of CPU: of an accepted delivery, of a snapshot, and of a delivery for traces."""

    metrics_us: float
    snapshot_us: float
    off_us: float
    not_recorded_us: float
    recorded_loop_us: float
    recorded_thread_us: float

    @property
    def delivery_us(self) -> float:
        """What a delivery pays for all of it, one in a hundred of them recorded."""
        return self.metrics_us + self.not_recorded_us + (self.recorded_loop_us + self.recorded_thread_us) * _RECORDED


def measure() -> Cost:
    """All of it."""
    loop_us = best_us(looped, _DELIVERIES)
    return Cost(
        metrics_us=best_us(counted, _DELIVERIES) - loop_us,
        snapshot_us=best_us(told, _SNAPSHOTS),
        off_us=max(0.0, best_us(partial(decided, None), _DELIVERIES) - loop_us),
        not_recorded_us=best_us(partial(decided, Tracing(0.0, follow=True)), _DELIVERIES) - loop_us,
        recorded_loop_us=best_us(traced, _TRACED),
        recorded_thread_us=best_us(exported, _TRACED),
    )


def main() -> None:
    """Measure, and show."""
    cost = measure()
    print(f"an accepted delivery   {cost.metrics_us:6.2f} µs for metrics")
    print(f"a snapshot             {cost.snapshot_us:6.0f} µs, once a second, with {_PARTITIONS} partitions")
    print(f"traces, off            {cost.off_us:6.2f} µs a delivery")
    print(f"traces, not recorded   {cost.not_recorded_us:6.2f} µs")
    print(f"traces, recorded       {cost.recorded_loop_us:6.2f} µs, and {cost.recorded_thread_us:.1f} in a thread")
    print(f"all, 1 % recorded      {cost.delivery_us:6.2f} µs a delivery")


if __name__ == "__main__":
    main()
