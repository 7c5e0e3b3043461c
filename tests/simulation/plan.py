"""What a seed decides before anything happens: sizes, clocks, tempers, and how much goes wrong.

The law: every part draws from a stream of its own, named after it, so that a change to one part leaves the others'
choices as they were.
"""

import random
import zlib
from dataclasses import dataclass, replace
from typing import Final

from consumer.delivery.budget import DEFAULT as DEFAULT_BUDGET
from consumer.delivery.budget import Budget
from consumer.delivery.done_map import MOST
from consumer.delivery.schedule import Schedule

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000

QUICK: Final = Schedule(
    delays_ms=(0, 1_000, 4_000, 15_000, 60_000),
    names=("0s", "1s", "4s", "15s", "1m"),
    retry_for_ms=10 * MINUTE_MS,
    wait_for_ms=20 * MINUTE_MS,
)
DEFAULT: Final = Schedule(
    delays_ms=(0, 5_000, MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 6 * HOUR_MS, 15 * HOUR_MS),
    names=("0s", "5s", "1m", "5m", "30m", "2h", "6h", "15h"),
    retry_for_ms=24 * HOUR_MS,
    wait_for_ms=72 * HOUR_MS,
)
_HEADS_MOST: Final = 10  # of a key whose endpoint never answers, one after the other
_BRIEF: Final = 18  # of every twenty seeds
_ORDERED: Final = (10, 14, _BRIEF)  # the same
_METADATA_MOST: Final = 4_095
_RESENDS: Final = (3, 17)  # the same
_SMALL_MAPS: Final = 11  # the same
_HELD_FEW: Final = 200_000  # bytes: about eight records a partition


def records_most(schedule: Schedule) -> int:
    """The most records of one line of a delivery, those for slots left out; what a fault runs again is one line more.

    One where a fan-out went on, one of each delay on the way up, as many of the longest one as it may wait for, one
    after each attempt that failed, and a dead letter.
    """
    longest = 1 + schedule.wait_for_ms // schedule.delays_ms[-1]
    return 1 + schedule.last + longest + schedule.last + 1


def stream(seed: int, part: str) -> random.Random:
    """The part's own randomness. Seeded by text: random hashes it with SHA-512, not with the salted `hash`."""
    return random.Random(f"{seed}/{part}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaders:
    """The brokers' clocks, and which of them leads a partition; with every epoch the next one does."""

    skews_ms: tuple[int, ...]
    epoch_ms: int

    def epoch(self, now_ms: int) -> int:
        """The leader epoch of every partition."""
        return now_ms // self.epoch_ms

    def skew_ms(self, partition: str, epoch: int) -> int:
        """Its leader's clock minus the world's."""
        return self.skews_ms[(zlib.crc32(partition.encode()) + epoch) % len(self.skews_ms)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One seed's world. A `calm` one has endpoints of every temper and no other fault: there fairness is judged.

    A `narrow` one has more records in its delay topics than its processes hold, of few webhooks: see `_narrow`. In a
    `returning` one a partition comes back to who had it before, while the cache is away for a moment: see `_returning`.
    """

    seed: int
    deliveries: int
    calm: bool
    schedule: Schedule
    tenants: int
    webhooks: int
    partitions: int
    processes: int
    fan_out: int
    in_flight: int
    turn_ms: int
    faults_for_ms: int
    faults: float
    leaders: Leaders
    static_members: bool
    retention: bool
    deadly: bool
    unanswered: float
    troubled: float
    burst: int
    burst_every_ms: int
    machines: int
    odd: bool
    unreadable: bool
    narrow: bool
    held_bytes: int
    returning: bool = False
    changed: float = 0.2  # of the webhooks, during the run
    lane_concurrency: int = 16
    ordered: bool = False  # most of the webhooks want the events of a key in their order
    brief: bool = False  # what fails recovers soon: so most events of a key find nothing of it in the ordered topic
    resends: bool = False  # customers send again what waits to be retried
    tenant_us: int = 0  # what the cache takes to read one tenant
    budget: Budget = DEFAULT_BUDGET
    metadata_most: int = _METADATA_MOST  # characters of a commit's metadata that the broker takes
    map_most: int = MOST  # characters of a map that processes write, as `HOOKLINE_COMMIT_METADATA` has it

    @property
    def finished_by_ms(self) -> int:
        """How long after the last fault everything may take: the tiers' time, and a while for what waits behind.

        Of a key's events each may fail for as long as one, when it is their turn.
        """
        heads = _HEADS_MOST if self.ordered else 1
        clocks_ms = heads * self.schedule.retry_for_ms + self.schedule.wait_for_ms
        return clocks_ms + 2 * self.schedule.delays_ms[-1] + 5 * MINUTE_MS


def _leaders(seed: int, skew_ms: int) -> Leaders:
    """In every other world three brokers that are up to half a minute apart."""
    draw = stream(seed, "leaders")
    apart = seed % 2 == 1
    others = (draw.randrange(-30_000, 30_000), draw.randrange(-30_000, 30_000)) if apart else ()
    return Leaders(skews_ms=(skew_ms, *others), epoch_ms=draw.randrange(30_000, 10 * MINUTE_MS))


def plan(seed: int, deliveries: int) -> Plan:
    """The plan of this seed."""
    draw = stream(seed, "plan")
    calm = seed % 16 == 0
    drawn = Plan(
        seed=seed,
        deliveries=deliveries,
        calm=calm,
        schedule=DEFAULT if seed % 3 == 0 and seed % 20 != _BRIEF else QUICK,
        tenants=draw.randrange(3, 12),
        webhooks=draw.randrange(20, 50),
        partitions=draw.randrange(1, 5),
        processes=draw.randrange(1, 4),
        fan_out=draw.choice((4, 8, 256)),
        in_flight=draw.choice((32, 128, 512)),
        turn_ms=draw.choice((20, 50, 100)),
        faults_for_ms=draw.randrange(20_000, 90_000),
        faults=0.0 if calm else draw.choice((0.3, 1.0, 2.0)),
        leaders=_leaders(seed, draw.randrange(-4_000, 4_000)),
        static_members=draw.random() < 0.7,
        retention=not calm and draw.random() < 0.15,
        deadly=not calm and draw.random() < 0.05,
        unanswered=0.0 if calm else draw.choice((0.0, 0.005, 0.03)),
        troubled=draw.choice((0.1, 0.25, 0.5)),
        burst=draw.choice((20, 60, 200)),
        burst_every_ms=draw.choice((50, 200, 500)),
        machines=draw.choice((1, 2, 3)),
        odd=not calm and draw.random() < 0.2,
        unreadable=seed % 8 == 7,
        ordered=seed % 20 in _ORDERED,
        brief=seed % 20 == _BRIEF,
        resends=seed % 20 in _RESENDS,
        narrow=False,
        held_bytes=DEFAULT_BUDGET.held,
        map_most=stream(seed, "map").choice((97, 150, 300)) if seed % 20 == _SMALL_MAPS else MOST,
        metadata_most=stream(seed, "metadata").choice((_METADATA_MOST, _METADATA_MOST, _METADATA_MOST, 1_000)),
    )
    match seed % 16:
        case 9:
            return _narrow(drawn)
        case 3:
            return _returning(drawn)
        case _:
            return drawn


def _narrow(drawn: Plan) -> Plan:
    """Few webhooks, whose endpoints come and go, and delay partitions that hold few of the records that wait."""
    return replace(
        drawn,
        narrow=True,
        deliveries=3 * drawn.deliveries,
        schedule=QUICK,
        tenants=2,
        webhooks=4,
        partitions=1,
        fan_out=256,
        held_bytes=_HELD_FEW,
    )


def _returning(drawn: Plan) -> Plan:
    """One partition, of which each process knows the webhooks as they were when it had it last. Most of them change."""
    return replace(
        drawn,
        returning=True,
        changed=0.8,
        partitions=1,
        processes=3,
        burst=2,
        burst_every_ms=1_000,
        faults=0.3,
    )
