"""The loop of a delivery process: poll Kafka, offer to the core, submit requests, collect results, produce, commit.

The laws: the loop decides nothing, the core touches nothing. An offset is committed only when every attempt record that
was written before it is acknowledged. Broken infrastructure leaves the loop as an exception: what was under way stays
uncommitted, and the restarted process reads it again.
"""

import gc
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import structlog

from consumer.delivery.answer import Answer
from consumer.delivery.boundary import Boundary, Bug
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.step import Step
from consumer.events.event import Record
from consumer.kafka.consumer import PartitionConsumer
from consumer.roles.clock import Clock
from consumer.roles.encoding import Encoding
from consumer.roles.leadership import NOT_JOINED
from consumer.roles.observing import Observing
from consumer.roles.parts import Parts
from consumer.roles.producing import Producing
from consumer.roles.questions import Questions
from consumer.roles.seals import Seals
from consumer.roles.tap import Tap
from consumer.signing.request import Request
from consumer.signing.written import Written
from consumer.telemetry.bugs import contain
from consumer.telemetry.counters import counters
from consumer.telemetry.pulse import STOPPING, pulse
from consumer.telemetry.snapshot import Reading

_log = structlog.get_logger("worker")

_COLLECT_SELDOM = (100_000, 20, 100)
_IDLE_WAIT_S = 0.1
_SHUT_WAIT_S = 0.02  # while requests may not leave: what finds out whether they may again wakes the wait
_COUNT_EVERY_MS = 100
_REVOKED_S = 3.0
_CLOSE_S = 1.0
_TRACES_S = 0.5
_ACKNOWLEDGED_S = 1.5  # of a drain's time, what is kept for the writes at its end


class Worker:
    """One process's loop, and the listener of its consumer."""

    def __init__(self, parts: Parts, open_consumer: Callable[["Worker"], PartitionConsumer], clock: Clock) -> None:
        self._parts = parts
        self._core = parts.core
        self._encoding = Encoding(parts.core.boundaries, parts.topics, parts.error_headers)
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
            replaced=parts.replaced,
            schemas=parts.schemas,
            standings=parts.standings,
            known_schemas=parts.known_schemas,
            names=parts.names,
        )
        self._sender = _nobody if parts.sender is None else parts.sender.send
        self._clock = clock
        self._delays = frozenset(parts.topics.retry_topics)
        self._untaken: list[tuple[int, Answer]] = []
        self._wake_ms: int | None = None
        self._count_ms = 0
        self._questions.wake(parts.transport)
        self._consumer = open_consumer(self)
        self._tap = Tap(self._consumer, parts.surplus_bytes)
        self._seals = Seals(parts.attempts, self._consumer, parts.terms)
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
        end = self._drain(sorted(self._consumer.assignment), drain_s, self._last_turn)
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
        """Partitions came."""
        _log.info("partitions assigned", partitions=len(partitions))
        counters.add("rebalances", reason="assigned")
        self._core.assigned(partitions)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Partitions go: end what is under way for them, commit, and forget them."""
        _log.info("partitions revoked", partitions=len(partitions))
        counters.add("rebalances", reason="revoked")
        end = self._drain(partitions, _REVOKED_S, self._turn)
        if end is not None:
            self._consumer.commit_now(*end)
        self._forget(partitions)

    def rewound(self, partition: Partition) -> None:
        """A topic was made anew."""
        self._core.rewound(partition)
        self._parts.clocks.forget([partition])
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
        most = 0 if self._is_full or not self._parts.transport.open else self._seals.room(now_ms)
        step = self._core.next(now_ms, steady_ms, wall_ms=self._clock.wall_ms(), most=most)
        self._seals.begun(now_ms, len(step.send))
        self._act(step)
        self._producing.ask_times(steady_ms)

    def _collect(self) -> None:
        """Tell the core what happened."""
        parts = self._parts
        wait_s = parts.look_every_s if self._is_busy else 0
        answers = parts.transport.poll(wait_s if parts.transport.open else _SHUT_WAIT_S)
        now_ms = self._clock.now_ms()
        untaken, self._untaken = self._untaken, []
        self._core.answers(now_ms, chain(untaken, answers))
        for token in parts.transport.unsent():
            self._core.unsent(now_ms, token)
        self._questions.tell(now_ms)
        self._acknowledge()

    def _acknowledge(self) -> None:
        self._parts.attempts.poll()
        self._producing.tell()

    def _act(self, step: Step) -> None:
        parts = self._parts
        for token in step.cancel:
            parts.transport.cancel(token)
        for token, request in step.send:
            self._send(token, request)
        if step.written:
            self._send_written(step.written)
        for entry, attempt in step.attempts:
            parts.attempts.write(*self._encoding.attempt(entry, attempt))
        for entry, unread in step.unread:
            key, value = self._encoding.unread(entry, unread)
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

    def _send(self, token: int, request: Request) -> None:
        """Give a request to the engine. One that it cannot take is answered with the others: as a failure."""
        job = self._core.sent_for(token)
        if job is None:
            return
        boundaries = self._core.boundaries
        boundaries.take(job.entry)
        submit, name = self._parts.transport.submit, job.delivery.id
        bug = boundaries.within(Boundary.SUBMIT, job.entry, submit, token, request, delivery_id=name)
        boundaries.let_go()
        if bug is not None:
            self._untaken.append((token, bug.failure))

    def _send_written(self, begun: Sequence[tuple[int, Written]]) -> None:
        """The same of those that the native step has written: no record is in hand while it works."""
        send = self._sender
        for token, written in begun:
            try:
                send(token, written)
            except Exception as error:  # noqa: BLE001 # contained
                job = self._core.sent_for(token)
                if job is not None:
                    bug = self._core.boundaries.met(Boundary.SUBMIT, job.entry, error, job.delivery.id)
                    self._untaken.append((token, bug.failure))

    def _room(self, now_ms: int) -> int:
        """How many records may be consumed: none while Kafka takes less than is written, or records less than ends.

        Nor while requests may not leave: what has come waits in its partition, as when Kafka itself is away.
        """
        shut = self._is_full or self._seals.is_behind(now_ms) or not self._parts.transport.open
        return 0 if shut else self._core.room

    @property
    def _is_full(self) -> bool:
        return self._parts.attempts.full or self._parts.records.full

    @property
    def _is_busy(self) -> bool:
        return self._core.busy or self._parts.attempts.pending > 0 or self._seals.pending

    def _idle_s(self, now_ms: int) -> float:
        """How long the loop may wait in Kafka's poll: not at all while anything else is under way."""
        if self._is_busy or not self._parts.transport.open:
            return 0
        if self._wake_ms is None:
            return _IDLE_WAIT_S
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

    def _drain(
        self, partitions: Sequence[Partition], most_s: float, turn: Callable[[], None]
    ) -> tuple[dict[Partition, Position], float] | None:
        """Take these turns, which consume nothing, until nothing is left of these partitions.

        Returns what to commit them as, and how many seconds that may take; None: Kafka has not all that was written.
        """
        until_s = self._clock.monotonic_s() + most_s
        self._core.drain(self._clock.now_ms(), partitions)
        self._turn_until(until_s - _ACKNOWLEDGED_S, turn)
        self._core.hand_over(self._clock.now_ms())
        self._turn_until(until_s, turn)
        self._start()
        counters.absorb(self._core.counted())
        left = self._parts.attempts.close(max(0.1, until_s - self._clock.monotonic_s()))
        if left or not self._core.drained:
            _log.warning("not drained in time: some deliveries will be repeated", attempts_unlogged=left)
        if left:
            return None
        positions = self._core.positions()
        going = {partition: positions[partition] for partition in partitions if partition in positions}
        return going, max(0.5, until_s - self._clock.monotonic_s())

    def _turn_until(self, until_s: float, turn: Callable[[], None]) -> None:
        turn()
        while not self._core.drained and self._clock.monotonic_s() < until_s:
            turn()

    def _last_turn(self) -> None:
        """A drain takes seconds, and may not come to its end: what ends meanwhile is committed meanwhile."""
        self._turn()
        now_ms = self._clock.now_ms()
        self._tap.take(now_ms, 0, 0.0)  # what it takes is not begun

    def _forget(self, partitions: Sequence[Partition]) -> None:
        self._core.lost(partitions)
        self._parts.clocks.forget(partitions)
        self._seals.drop(partitions)
        self._tap.forget(partitions)

    def _close(self, records_s: float) -> None:
        self._parts.records.close(records_s)
        self._parts.transport.close()
        if self._parts.traces is not None:
            self._parts.traces.close(_TRACES_S)
        self._questions.close()
        counters.absorb(self._core.counted())


def _nobody(token: int, written: Written) -> None:
    del token, written
    raise AssertionError("the native step writes requests only where it sends them")


def _report(bug: Bug) -> None:
    topic, partition = bug.partition
    contain(bug.boundary, bug.error, topic=topic, partition=partition, offset=bug.offset, delivery=bug.delivery_id)
