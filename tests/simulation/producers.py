"""The producers that Worker is given: acknowledged late, twice written, or never heard of again.

The laws are those of RecordProducer and AttemptLog: every record written is produced again until it is acknowledged;
the log has a ticket only when everything written before it was given out is acknowledged. A lost acknowledgement of an
idempotent producer makes no second record; of the attempts' producer it does, and so does a record producer that was
rebuilt.
"""

import random
from collections import deque
from collections.abc import Callable, Sequence

from consumer.events.event import Record
from consumer.kafka.producer import Acknowledged, Produced
from consumer.kafka.tickets import Sides, Ticket
from tests.simulation.broker import Broker
from tests.simulation.faults import Faults
from tests.simulation.ports import Life

_QUEUE = 500
_ORPHANS_LAND = 0.5


class Records:
    """Stands for RecordProducer."""

    def __init__(
        self, life: Life, broker: Broker, faults: Faults, dice: random.Random, rewritten: Callable[[Record], None]
    ) -> None:
        self._rewritten = rewritten
        self._life = life
        self._broker = broker
        self._faults = faults
        self._dice = dice
        self._acknowledged: list[Produced] = []
        self._unacknowledged: set[int] = set()
        self._in_order: deque[tuple[int, Callable[[], Record]]] = deque()  # as an idempotent producer has a partition
        self.pending = 0

    @property
    def full(self) -> bool:
        """As if librdkafka's queue were."""
        return self.pending > _QUEUE

    def write(
        self,
        token: int,
        *,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        partition: int | None = None,
    ) -> None:
        """Produce a record."""
        self._life.call()
        if token in self._unacknowledged:
            raise ValueError(f"the record written under the token {token} is not acknowledged yet")
        self._unacknowledged.add(token)
        self.pending += 1

        def append() -> Record:
            return self._broker.append(topic, key, value, tuple(headers), partition=partition)

        if topic != "ordered":
            self._send(token, append)
            return
        self._in_order.append((token, append))
        if len(self._in_order) == 1:
            self._send(token, append)

    def poll(self) -> list[Produced]:
        """What was acknowledged."""
        self._life.call()
        acknowledged, self._acknowledged = self._acknowledged, []
        self.pending -= len(acknowledged)
        return acknowledged

    def close(self, timeout_s: float) -> int:
        """Wait a while."""
        del timeout_s
        return self.pending

    def _send(self, token: int, append: Callable[[], Record]) -> None:
        timeline = self._life.timeline
        at_ms = max(timeline.now_ms, self._broker.down_until_ms) + self._dice.randrange(2, 30)
        timeline.at(at_ms, lambda: self._arrive(token, append))

    def _arrive(self, token: int, append: Callable[[], Record]) -> None:
        dice, faults = self._dice, self._faults
        if not self._life.alive:
            if dice.random() < _ORPHANS_LAND:
                append()
                self._go_on(token)
            return
        if self._broker.down_until_ms > self._life.timeline.now_ms or faults.strikes(dice, 0.01):
            faults.met("write timed out")
            self._life.timeline.after(dice.randrange(100, 1_000), lambda: self._send(token, append))
            return
        record = append()
        self._go_on(token)
        wait_ms = dice.randrange(1, 10)
        if faults.strikes(dice, 0.02):
            faults.met("acknowledgement lost")
            wait_ms = dice.randrange(200, 5_000)  # the idempotent producer asks again, and is told
            if dice.random() < 0.1:
                faults.met("producer rebuilt")
                record = append()  # a new producer id: the broker cannot know it for the same
                self._rewritten(record)
        acknowledged = Acknowledged(
            token=token,
            timestamp_ms=record.timestamp_ms,
            place=(record.topic, record.partition, record.offset),
        )
        self._life.later(wait_ms, lambda: self._hear(acknowledged))

    def _go_on(self, token: int) -> None:
        """The next one that was written behind this one."""
        if self._in_order and self._in_order[0][0] == token:
            self._in_order.popleft()
            if self._in_order:
                following = self._in_order[0]
                self._life.timeline.after(self._dice.randrange(0, 2), lambda: self._arrive(*following))

    def _hear(self, acknowledged: Acknowledged) -> None:
        self._unacknowledged.discard(acknowledged.token)
        self._acknowledged.append(acknowledged)


class _Side:
    """One of the two producers of the attempt log: what it was given, and what is on its way."""

    def __init__(self) -> None:
        self.given: list[tuple[bytes, bytes]] = []
        self.left = 0


class Attempts:
    """Stands for AttemptLog. `logged` is told of every record that reached the topic."""

    def __init__(
        self, life: Life, broker: Broker, faults: Faults, dice: random.Random, logged: Callable[[bytes], None]
    ) -> None:
        self._life = life
        self._broker = broker
        self._faults = faults
        self._dice = dice
        self._logged = logged
        self._sides = Sides(_Side(), _Side(), turned=lambda _: None)

    def write(self, key: bytes, value: bytes) -> None:
        """Write an attempt record."""
        self._life.call()
        side = self._sides.active
        if not side.given:
            self._life.timeline.after(self._dice.randrange(5, 30), lambda: self._flush(side))
        side.given.append((key, value))
        side.left += 1

    @property
    def full(self) -> bool:
        """As if librdkafka's queue were."""
        return self._sides.active.left > _QUEUE

    @property
    def pending(self) -> int:
        """Records not known to be acknowledged."""
        return self._sides.left

    def ticket(self) -> Ticket:
        """A ticket for everything that was written until now."""
        self._life.call()
        return self._sides.ticket()

    def has(self, ticket: Ticket) -> bool:
        """Whether everything that the ticket stands for is acknowledged."""
        return self._sides.has(ticket)

    def poll(self) -> None:
        """Nothing is kept back for it."""

    def close(self, timeout_s: float) -> int:
        """Wait until everything is acknowledged, or for so long."""
        timeline = self._life.timeline
        until_ms = timeline.now_ms + int(timeout_s * 1_000)
        while self.pending and timeline.now_ms < until_ms:
            self._life.pass_time(until_ms - timeline.now_ms)
        return self.pending

    def _flush(self, side: _Side) -> None:
        batch, side.given = side.given, []
        self._arrive(side, batch)

    def _arrive(self, side: _Side, batch: list[tuple[bytes, bytes]]) -> None:
        dice, faults, timeline = self._dice, self._faults, self._life.timeline
        if not self._life.alive:
            if dice.random() < _ORPHANS_LAND:
                self._land(batch)
            return
        if self._broker.down_until_ms > timeline.now_ms or faults.strikes(dice, 0.02):
            faults.met("attempts timed out")
            at_ms = max(timeline.now_ms, self._broker.down_until_ms) + dice.randrange(50, 500)
            timeline.at(at_ms, lambda: self._arrive(side, batch))
            return
        self._land(batch)
        if faults.strikes(dice, 0.01):
            faults.met("attempts written twice")
            timeline.after(dice.randrange(50, 500), lambda: self._arrive(side, batch))
            return

        def acknowledged() -> None:
            side.left -= len(batch)

        self._life.later(dice.randrange(1, 10), acknowledged)

    def _land(self, batch: list[tuple[bytes, bytes]]) -> None:
        for _, value in batch:
            self._logged(value)
