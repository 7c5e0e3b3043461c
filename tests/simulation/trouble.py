"""The great faults: processes killed, stopped, stopped in order, added and removed; groups, broker and Redis disturbed.

The law: each strikes at a time drawn beforehand, whoever is in the middle of whatever; what it takes down comes back.
"""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from consumer.delivery.offsets import Partition, Position
from tests.simulation.broker import EVENTS
from tests.simulation.group import SESSION_MS
from tests.simulation.plan import stream
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

_EVERY_MS = 2_500


class Trouble:
    """One stream of great faults."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._dice = stream(world.plan.seed, "trouble")
        self._kinds: Sequence[Callable[[], None]] = (
            self._kill,
            self._kill,
            self._kill_in_the_middle,
            self._kill_in_the_middle,
            self._kill_in_the_middle,
            self._terminate,
            self._terminate,
            self._suspend,
            self._fence,
            self._rebalance,
            self._rebalance,
            self._add,
            self._remove,
            self._broker_away,
            self._redis_away,
            self._redis_flushed,
            self._redis_behind,
            self._redis_fails_over,
            self._clock_set,
            self._metadata_overwritten,
            self._metadata_overwritten,
            self._partition_added,
            self._retention,
        )
        if world.plan.faults > 0:
            self._plan_next()
        if world.plan.unreadable:
            self._plan_unreadable(stream(world.plan.seed, "unreadable"))
        if world.plan.returning:
            self._plan_returning(stream(world.plan.seed, "returning"))

    def _plan_next(self) -> None:
        wait_ms = 1 + int(self._dice.expovariate(self._world.plan.faults / _EVERY_MS))
        if self._world.timeline.now_ms + wait_ms < self._world.faults.until_ms:
            self._world.timeline.after(wait_ms, self._strike)
        else:
            self._world.timeline.at(self._world.faults.until_ms, self._all_back)

    def _plan_unreadable(self, dice: Random) -> None:
        """For a long while one tenant's webhooks cannot be read, and everybody else's can."""
        world = self._world
        tenant = "t0"  # which has the most events and webhooks
        wait_ms = dice.randrange(world.plan.faults_for_ms // 10)
        for_ms = world.plan.faults_for_ms - wait_ms

        def strike() -> None:
            world.faults.met("tenant unreadable", tenant)
            world.redis.spoil(tenant, for_ms)

        world.timeline.after(wait_ms, strike)

    def _plan_returning(self, dice: Random) -> None:
        """A partition goes from one to the other, and the cache is away for a moment at the same time."""
        world = self._world

        def strike(away_ms: int) -> None:
            world.faults.met("moved while redis was away")
            world.deliver.group.shuffle()
            world.redis.go_down(away_ms)

        at_ms = 0
        while (at_ms := at_ms + dice.randrange(5_000, 15_000)) < world.plan.faults_for_ms:
            world.timeline.after(at_ms, partial(strike, dice.randrange(300, 3_500)))

    def _strike(self) -> None:
        self._dice.choice(self._kinds)()
        self._plan_next()

    def _all_back(self) -> None:
        for process in self._world.processes:
            process.kill_never()
            process.start()

    # ── processes ────────────────────────────────────────────────────────────────────────────────────────────────

    def _anyone(self) -> Process | None:
        running = [process for process in self._world.processes if process.running]
        return self._dice.choice(running) if running else None

    def _kill(self) -> None:
        if (process := self._anyone()) is not None:
            process.kill()

    def _kill_in_the_middle(self) -> None:
        if (process := self._anyone()) is not None:
            process.kill_soon(self._dice.randrange(120))

    def _terminate(self) -> None:
        if (process := self._anyone()) is not None:
            self._world.faults.met("terminated", process.name)
            process.stop()
            self._world.timeline.after(self._dice.randrange(8_500, 20_000), process.start)

    def _suspend(self) -> None:
        if (process := self._anyone()) is not None:
            for_ms = self._dice.choice((500, 5_000, SESSION_MS + 3_000, 2 * SESSION_MS))
            self._world.faults.met("suspended", process.name)
            process.suspend(for_ms)
            if for_ms > SESSION_MS:
                self._world.timeline.after(SESSION_MS, process.expire_if_silent)

    def _fence(self) -> None:
        if (process := self._anyone()) is not None:
            self._world.faults.met("fenced", process.name)
            process.fence()

    def _add(self) -> None:
        world = self._world
        role, pool = self._dice.choice((("deliver", world.deliver), ("retry", world.retry)))
        slots = sum(process.name.startswith(role) for process in world.processes)
        if slots < 4:
            world.faults.met("process added")
            world.add(role, pool, slots)

    def _remove(self) -> None:
        """For a long while: its static name expires, and others take over."""
        if (
            len([each for each in self._world.processes if each.running]) > 2
            and (process := self._anyone()) is not None
        ):
            self._world.faults.met("process removed", process.name)
            process.stop()

    # ── groups and broker ────────────────────────────────────────────────────────────────────────────────────────

    def _rebalance(self) -> None:
        self._world.faults.met("rebalance")
        self._dice.choice((self._world.deliver, self._world.retry)).group.shuffle()

    def _broker_away(self) -> None:
        self._world.faults.met("broker away")
        self._world.broker.down_until_ms = self._world.timeline.now_ms + self._dice.randrange(200, 8_000)

    def _some_partition(self) -> tuple[str, Partition] | None:
        committed = sorted(self._world.broker.committed)
        return self._dice.choice(committed) if committed else None

    def _metadata_overwritten(self) -> None:
        """Another tool wrote its own there, or what is there was cut off or changed; only a new owner reads it."""
        chosen = self._some_partition()
        if chosen is None:
            return
        broker = self._world.broker
        position = broker.committed[chosen]
        if "|" not in position.metadata:
            return
        *head, text, ahead, order, partly = position.metadata.split("|")
        at = self._dice.randrange(len(text)) if text else 0
        corrupt = text[:at] + self._dice.choice("AEQgw4/") + text[at + 1 :]
        cut = text[: at - at % 4]
        metadata = self._dice.choice(
            (
                *("|".join((*head, each, ahead, order, partly)) for each in (corrupt, cut, cut)),
                "somebody else's",
                "",
            )
        )
        broker.committed[chosen] = Position(position.offset, metadata)
        self._world.ledger.disturbed.add(chosen[1])
        self._world.faults.met("metadata overwritten", f"{chosen[1][0]}-{chosen[1][1]}")
        group = self._world.deliver.group if chosen[0] == self._world.deliver.group.name else self._world.retry.group
        for process in self._world.processes:
            if process.name == group.owner.get(chosen[1]):
                process.kill()

    def _partition_added(self) -> None:
        world = self._world
        if world.broker.partitions[EVENTS] < 6:
            world.faults.met("partition added")
            world.broker.grow(EVENTS)
            world.deliver.group.rebalance()

    def _retention(self) -> None:
        """The log's beginning moves past records that were perhaps never read."""
        world = self._world
        if not world.plan.retention:
            return
        number = self._dice.randrange(world.broker.partitions[EVENTS])
        log = world.broker.logs[EVENTS, number]
        start = log.start + self._dice.randrange(1 + len(log.records) // 2)
        for record in log.truncate(start):
            place = ((EVENTS, number), record.offset)
            event = world.ledger.at.get(place)
            if event is not None and not world.ledger.is_done(place):
                event.removed = True
        world.faults.met("retention", f"{EVENTS}-{number}")

    # ── Redis and clocks ─────────────────────────────────────────────────────────────────────────────────────────

    def _redis_away(self) -> None:
        self._world.faults.met("redis away")
        self._world.redis.go_down(self._dice.randrange(200, 15_000))

    def _redis_flushed(self) -> None:
        self._world.faults.met("redis flushed")
        self._world.redis.flush(self._dice.randrange(200, 5_000))

    def _redis_behind(self) -> None:
        self._world.faults.met("redis behind")
        self._world.redis.fall_behind(self._dice.randrange(500, 14_000))

    def _redis_fails_over(self) -> None:
        self._world.faults.met("redis failed over")
        self._world.redis.fail_over(self._dice.randrange(1_000, 9_000), self._dice.randrange(100, 1_500))

    def _clock_set(self) -> None:
        if (process := self._anyone()) is not None:
            self._world.faults.met("clock set", process.name)
            process.skew_ms = self._dice.randrange(-4_000, 4_000)
