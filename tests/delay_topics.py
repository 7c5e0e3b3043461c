"""A small model of two cores and the delay topics between them: what `deliver` writes to wait, `retry` reads and sends.

The law: time passes from one happening to the next; nothing is lost, late or refused but what an endpoint is slow in.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from msgspec.structs import replace

from consumer.delivery.core import Core, Rules
from consumer.delivery.delivery import Delivery
from consumer.delivery.intake import Content
from consumer.delivery.lane import Patience
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.schedule import Schedule
from consumer.delivery.step import Bury, Delay, Write
from consumer.events.event import Record
from consumer.settings import Settings
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, event, limits, response, rules, target_of

HOUR_MS = 3_600_000
DEFAULT = Schedule(
    delays_ms=Settings().retry_delays_ms,
    names=("0s", *Settings().retry_delays),
    retry_for_ms=24 * HOUR_MS,
    wait_for_ms=72 * HOUR_MS,
)
_EVENTS: Partition = ("events", 0)
_KAFKA_MS = 20
_TURN_MS = 5


@dataclass(eq=False)
class _Process:
    core: Core
    partitions: tuple[Partition, ...]
    read: dict[Partition, int] = field(default_factory=dict)
    wakes_ms: int = 0


class DelayTopics:
    """`takes_ms` tells how long the one endpoint's answer takes that is begun so long after the start."""

    def __init__(self, to: Subscription, takes_ms: Callable[[int], int], *, lane_concurrency: int = 32) -> None:
        self._to = to
        self._takes_ms = takes_ms
        self._logs: dict[Partition, list[Content]] = {}
        self._records: dict[Partition, list[Record]] = {}
        self._happens: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self.now_ms = NOW_MS
        self.ended_ms: dict[str, int] = {}
        self.dead: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.slots_ms: list[int] = []
        patient = Patience(wait_ms=10_000, slow_ms=None)
        self._deliver = self._process(rules_of(Patience(), lane_concurrency), (_EVENTS,))
        self._retry = self._process(
            rules_of(patient, lane_concurrency), tuple((f"retry.{name}", 0) for name in DEFAULT.names)
        )

    def publish(self, number: int) -> None:
        """So many events, now."""
        first = len(self._logs.setdefault(_EVENTS, []))
        for offset in range(first, first + number):
            self._append(_EVENTS, event(f"e{offset}", offset=offset))

    def run(self) -> int:
        """Until everything has ended. Returns how long that took."""
        published = len(self._logs[_EVENTS])
        self._turn(self._deliver)
        while len(self.ended_ms) + sum(self.dead.values()) < published:
            self.now_ms, _, happen = heapq.heappop(self._happens)
            happen()
        return self.now_ms - NOW_MS

    def _process(self, of: Rules, partitions: tuple[Partition, ...]) -> _Process:
        core = Core(of, decode=self._decode, target=target_of)
        core.assigned(dict.fromkeys(partitions, Position(0)))
        return _Process(core, partitions, read=dict.fromkeys(partitions, 0))

    def _append(self, partition: Partition, content: Content) -> None:
        log = self._logs.setdefault(partition, [])
        records = self._records.setdefault(partition, [])
        records.append(
            Record(
                topic=partition[0],
                partition=0,
                offset=len(log),
                key=None,
                value=b"",
                headers=(),
                timestamp_ms=self.now_ms,
            )
        )
        log.append(content)

    def _decode(self, record: Record) -> Content:
        content = self._logs[record.topic, record.partition][record.offset]
        if isinstance(content, Delivery):
            return replace(content, tier=DEFAULT.names.index(record.topic.removeprefix("retry.")))
        return content

    def _at(self, at_ms: int, happen: Callable[[], None]) -> None:
        heapq.heappush(self._happens, (max(at_ms, self.now_ms), next(self._order), happen))

    def _wake(self, process: _Process, at_ms: int) -> None:
        at_ms = max(at_ms, self.now_ms + _TURN_MS)
        if not self.now_ms < process.wakes_ms <= at_ms:
            process.wakes_ms = at_ms
            self._at(at_ms, lambda: self._turn(process) if process.wakes_ms == at_ms else None)

    def _turn(self, process: _Process) -> None:
        process.wakes_ms = 0
        core = process.core
        for partition in process.partitions:
            records = self._records.get(partition, [])
            start = process.read[partition]
            if start < len(records) and partition not in core.paused and core.room:
                batch = records[start : start + min(core.room, 500)]
                process.read[partition] = start + len(batch)
                core.records(self.now_ms, batch)
        step = core.next(self.now_ms, self.now_ms)
        for tenant in step.load:
            core.loaded(self.now_ms, tenant, Loaded(version="1", subscriptions=(self._to,)))
        for token, request in step.send:
            name = dict(request.headers)["webhook-id"]
            takes_ms = self._takes_ms(self.now_ms - NOW_MS)
            self._at(self.now_ms + takes_ms, lambda token=token, name=name: self._answer(process, token, name))  # type: ignore[misc]
        for token, write in step.write:
            self._at(self.now_ms + _KAFKA_MS, lambda token=token, write=write: self._land(process, token, write))  # type: ignore[misc]
        busy = bool(step.load or step.send or step.write) or any(
            process.read[each] < len(self._records.get(each, [])) and each not in core.paused
            for each in process.partitions
        )
        if busy:
            self._wake(process, self.now_ms + _TURN_MS)
        elif step.wake_ms is not None:
            self._wake(process, step.wake_ms)

    def _answer(self, process: _Process, token: int, name: str) -> None:
        process.core.answered(self.now_ms, token, response())
        self.ended_ms[name] = self.now_ms
        self._wake(process, self.now_ms)

    def _land(self, process: _Process, token: int, write: Write) -> None:
        if isinstance(write, Delay):
            assert isinstance(write.delayed, Delivery)
            self.written[write.delayed.event.id] += 1
            if write.delayed.slot_ms is not None:
                self.slots_ms.append(write.delayed.slot_ms)
            self._append((f"retry.{DEFAULT.names[write.tier]}", 0), write.delayed)
            self._wake(self._retry, self.now_ms)
        elif isinstance(write, Bury):
            self.dead[write.dead_letter.reason] += 1
        process.core.acknowledged(token)
        self._wake(process, self.now_ms)


def rules_of(patience: Patience, lane_concurrency: int) -> Rules:
    """Of a process with the default settings."""
    of = limits(in_flight=1_024, queued=8_192, lane_concurrency=lane_concurrency, patience=patience)
    return rules(of_limits=of, fan_out=256, schedule=DEFAULT)
