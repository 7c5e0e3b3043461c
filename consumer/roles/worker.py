"""The loop of a delivery process: poll Kafka, offer to the core, submit requests, collect results, produce, commit.

The laws: the loop decides nothing, the core touches nothing. An offset is committed only when every attempt record that
was written before it is acknowledged. Broken infrastructure leaves the loop as an exception: what was under way stays
uncommitted, and the restarted process reads it again.
"""

import gc
import threading
from collections.abc import Callable, Mapping, Sequence

import structlog

from consumer.delivery.boundary import Bug
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.step import Step
from consumer.events.event import Record
from consumer.kafka.consumer import PartitionConsumer
from consumer.roles.clock import Clock
from consumer.roles.draining import Draining
from consumer.roles.encoding import Encoding
from consumer.roles.gate import gate
from consumer.roles.leadership import NOT_JOINED
from consumer.roles.observing import Observing
from consumer.roles.parts import Parts
from consumer.roles.producing import Producing
from consumer.roles.questions import Questions
from consumer.roles.seals import Seals
from consumer.roles.sending import Sending
from consumer.roles.tap import Tap
from consumer.telemetry.bugs import contain
from consumer.telemetry.counters import counters
from consumer.telemetry.pulse import RESTS_S, STOPPING, pulse
from consumer.telemetry.snapshot import Reading

_log = structlog.get_logger("worker")

_COLLECT_SELDOM = (100_000, 20, 100)
_IDLE_WAIT_S = 0.1
_COUNT_EVERY_MS = 100
_REVOKED_S = 3.0
_CLOSE_S = 1.0
_TRACES_S = 0.5


class Worker:
    """One process's loop, and the listener of its consumer."""

    def __init__(self, parts: Parts, open_consumer: Callable[["Worker"], PartitionConsumer], clock: Clock) -> None:
        self._parts = parts
        self._core = parts.core
        self._encoding = Encoding(parts.core.boundaries, parts.topics, parts.error_headers, parts.seals)
        self._producing = Producing(
            parts.core,
            records=parts.records,
            encoding=self._encoding,
            clocks=parts.clocks,
            clock=clock,
            topics=parts.topics,
            taken_bytes=parts.taken_bytes,
        )
        self._questions = Questions(
            parts.core,
            tenants=parts.tenants,
            marks=parts.marks,
            ahead=parts.ahead,
            again=parts.again,
            ordered=parts.ordered,
            replaced=parts.replaced,
            schemas=parts.schemas,
            standings=parts.standings,
            known_schemas=parts.known_schemas,
            names=parts.names,
        )
        self._sending = Sending(parts.core, parts.transport, parts.sender)
        self._clock = clock
        self._delays = frozenset(parts.topics.retry_topics)
        self._wake_ms: int | None = None
        self._count_ms = 0
        self._questions.wake(parts.transport)
        self._consumer = open_consumer(self)
        self._gate = None if parts.gated is None else gate(self._consumer, parts.gated)
        self._tap = Tap(self._gate or self._consumer, parts.surplus_bytes)
        self._seals = Seals(parts.attempts, self._consumer, parts.terms)
        self._draining = Draining(parts.core, parts.attempts, clock, self._start)
        self._observing = Observing(parts.core, self._consumer, clock)

    def run(self, stop: threading.Event, drain_s: float) -> None:
        """Work until `stop` is set, then drain for at most `drain_s` seconds and leave."""
        # Deliveries leave no cycles behind; the collector's usual zeal costs a fifth of the loop.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_SELDOM)
        pulse.ask("deliveries", self._tell)
        while not stop.is_set():
            self._take()
            self._turn()
        self._leave(drain_s)

    def _leave(self, drain_s: float) -> None:
        _log.info("draining")
        pulse.lacks = (STOPPING,)
        end = self._draining.drain(sorted(self._consumer.assignment), drain_s, self._last_turn)
        drained = end is not None and self._consumer.commit_last(*end)
        self._questions.leave(self._clock.now_ms())
        if drained:  # else Kafka is silent, and whoever leaves its group waits for the answer
            self._consumer.close()
        self._close(_CLOSE_S if drained else 0)
        pulse.forget("deliveries")
        if drained:
            _log.info("drained")

    # ── the listener ─────────────────────────────────────────────────────────────────────────────────────────────

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        """Partitions came: begin to read them."""
        _log.info("partitions assigned", partitions=len(partitions))
        counters.add("rebalances", reason="assigned")
        self._core.assigned(partitions)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Partitions go: end what is under way for them, commit, and forget them."""
        _log.info("partitions revoked", partitions=len(partitions))
        counters.add("rebalances", reason="revoked")
        end = self._draining.drain(partitions, _REVOKED_S, self._turn)
        if end is not None:
            self._consumer.commit_now(*end)
        self._forget(partitions)

    def rewound(self, partition: Partition) -> None:
        """A topic was made anew: its offsets begin at 0 again."""
        self._core.rewound(partition)
        self._parts.clocks.forget([partition])
        if self._gate is not None:
            self._gate.forget([partition])
        self._tap.resume([partition])
        self._seals.drop([partition])

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Partitions are gone: drop, never commit."""
        _log.warning("partitions lost", partitions=len(partitions))
        counters.add("rebalances", reason="lost")
        self._forget(partitions)

    # ── one turn ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self) -> None:
        """Consume what there is room for; wait for it only while nothing else is under way."""
        now_ms = self._clock.now_ms()
        records = self._tap.take(now_ms, self._room(now_ms), self._idle_s(now_ms))
        if records:
            self._see(records)
            self._core.records(self._clock.now_ms(), records)
        ends = self._tap.ends()
        if ends:
            self._core.passed(ends)
        self._seals.go_on(self._clock.now_ms())

    def _see(self, records: Sequence[Record]) -> None:
        """When the delay topics' records were appended, by their brokers' clocks."""
        steady_ms = self._clock.steady_ms()  # after they came: an earlier reading would set the brokers' clocks ahead
        for record in records:
            if record.topic in self._delays:
                leader = (record.topic, record.partition, record.leader_epoch)
                self._parts.clocks.read(leader, record.offset, record.timestamp_ms, steady_ms)

    def _turn(self) -> None:
        """Everything but consuming. Sealed is only what is written: an answer collected is written in the next turn."""
        self._start()
        self._commit()
        self._collect()
        pulse.beat()

    def _tell(self, reading: Reading) -> None:
        """What a snapshot says, and whether this process does what it is for."""
        if pulse.lacks != (STOPPING,):
            pulse.lacks = () if self._consumer.joined else (NOT_JOINED,)
        self._observing.tell(reading)

    def _start(self) -> None:
        """Carry out what the core wants. Until something is collected, every attempt that ended is written."""
        steady_ms = self._clock.steady_ms()
        now_ms = self._clock.now_ms()
        most = 0 if self._is_full or not self._sending.open else self._seals.room(now_ms)
        step = self._core.next(now_ms, steady_ms, wall_ms=self._clock.wall_ms(), most=most)
        self._seals.begun(now_ms, step.begun)
        self._act(step)
        self._producing.ask_times(steady_ms)

    def _collect(self) -> None:
        """Tell the core what happened."""
        self._sending.listen(self._parts.look_every_s if self._is_busy else 0)
        now_ms = self._clock.now_ms()
        self._sending.tell(now_ms)
        self._questions.tell(now_ms)
        self._acknowledge()
        self._seals.go_on(now_ms)

    def _acknowledge(self) -> None:
        self._parts.attempts.poll()
        self._producing.tell()

    def _act(self, step: Step) -> None:
        parts = self._parts
        self._sending.begin(step)
        for key, value in self._encoding.attempts(step.attempts, step.unread):
            parts.attempts.write(key, value)
        self._producing.write(step.write)
        if step.traced and parts.traces is not None:
            parts.traces.put(step.traced)
        for bug in step.bugs:
            _report(bug)
        self._questions.ask(step)
        if step.pause:
            self._tap.pause(step.pause)
        if step.resume:
            self._tap.resume(step.resume)
        self._wake_ms = step.wake_ms

    def _room(self, now_ms: int) -> int:
        """How many records may be consumed: none while Kafka takes less than is written, or records less than ends.

        Nor while requests may not leave: what has come waits in its partition, as when Kafka itself is away.
        """
        shut = self._is_full or self._seals.is_behind(now_ms) or not self._sending.open
        return 0 if shut else self._core.room

    @property
    def _is_full(self) -> bool:
        return self._parts.attempts.full or self._parts.records.full

    @property
    def _is_busy(self) -> bool:
        return self._core.busy or self._parts.attempts.pending > 0 or self._seals.pending

    def _idle_s(self, now_ms: int) -> float:
        """How long the loop may wait in Kafka's poll: not at all while anything else is under way."""
        if self._is_busy or not self._sending.open:
            return 0
        if self._wake_ms is None:
            return RESTS_S  # only records, a rebalance or the end can come, and each ends the wait
        return min(_IDLE_WAIT_S, max(0.0, (self._wake_ms - now_ms) / 1_000))

    def _commit(self) -> None:
        """Between `_start` and `_collect`: only there is the log's end of what is finished written too."""
        now_ms = self._clock.now_ms()
        self._core.bound_maps(self._consumer.metadata_most)
        self._seals.turn(now_ms, self._core.changed_positions)
        if now_ms >= self._count_ms:
            self._count_ms = now_ms + _COUNT_EVERY_MS
            counters.absorb(self._core.counted())

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _last_turn(self) -> None:
        """A drain takes seconds, and may not come to its end: what ends meanwhile is committed meanwhile."""
        self._turn()
        now_ms = self._clock.now_ms()
        self._tap.take(now_ms, 0, 0.0)  # what it takes is not begun

    def _forget(self, partitions: Sequence[Partition]) -> None:
        self._core.lost(partitions)
        self._parts.clocks.forget(partitions)
        self._seals.drop(partitions)
        if self._gate is not None:
            self._gate.forget(partitions)
        self._tap.forget(partitions)

    def _close(self, records_s: float) -> None:
        self._parts.records.close(records_s)
        self._sending.close()
        if self._parts.traces is not None:
            self._parts.traces.close(_TRACES_S)
        self._questions.close()
        if self._gate is not None:
            self._gate.close()
        counters.absorb(self._core.counted())


def _report(bug: Bug) -> None:
    topic, partition = bug.partition
    contain(bug.boundary, bug.error, topic=topic, partition=partition, offset=bug.offset, delivery=bug.delivery_id)
