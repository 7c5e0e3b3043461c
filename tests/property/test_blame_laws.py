"""Deaths, simulated over the real core and a real mark file: who kills is condemned at its third, and nobody else is.

A process takes a partition from the beginning of what is not finished, works on it in an order of its own, and dies
where a deadly record makes it: while it is decoded, matched, signed, submitted, answered or logged. Some die with
nothing in hand as well.
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Self

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.delivery.boundary import Boundary
from consumer.delivery.core import Core
from consumer.delivery.intake import Content
from consumer.delivery.offsets import Position
from consumer.delivery.step import Reject, Step
from consumer.delivery.target import Target
from consumer.events.event import Event, Record
from consumer.http.transport import Hand
from consumer.kafka.topic_specs import Topics
from consumer.roles.blame import DEATHS, Blame
from consumer.roles.encoding import Encoding
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, delivery, event, response, rules, subscription, target_of

EVENTS = "events"
RECORDS = 8
STAGES = (*Boundary, "engine")
SUBSCRIPTION = subscription()


class Death(BaseException):
    """The process is gone."""


@dataclass
class World:
    """One partition and what became of its records. `deadly` says where a record kills."""

    deadly: dict[int, str]
    topic: str
    path: Path
    dice: Random
    position: Position = field(default_factory=lambda: Position(0))
    ended: dict[int, str] = field(default_factory=dict)
    deaths: Counter[int] = field(default_factory=Counter)

    def at(self, stage: str, offset: int) -> None:
        """Code of this stage runs for the record."""
        if self.deadly.get(offset) == stage:
            self.deaths[offset] += 1
            raise Death

    def live(self) -> None:
        """One process, from its start to its death, or until all has ended."""
        blame = Blame(self.path)
        core = Core(rules(), decode=self._decode, target=self._target, mark=blame)
        encoding = Encoding(core.boundaries, Topics("", ("1s", "5s", "20s")), "kafka_dlt")
        core.assigned({(self.topic, 0): self.position})
        waiting: list[int] = []
        batch = [self._record(offset) for offset in range(self.position.offset, RECORDS)]
        while self.position.offset < RECORDS:
            if self.dice.random() < 0.03:
                raise Death  # nothing is in hand
            if batch:
                taken = self.dice.randrange(1, 4)
                core.records(NOW_MS, batch[:taken])
                batch = batch[taken:]
            step = core.next(NOW_MS, NOW_MS + 5_000)  # what waits to be due is
            self._act(core, encoding, step, waiting)
            self.position = core.positions().get((self.topic, 0), self.position)  # what has ended is written
            self.dice.shuffle(waiting)
            for token in waiting[: self.dice.randrange(len(waiting) + 1)]:
                self._answer(core, token)
                waiting.remove(token)

    def _act(self, core: Core, encoding: Encoding, step: Step, waiting: list[int]) -> None:
        for token, _ in step.send:
            job = core.sent_for(token)
            assert job is not None
            core.boundaries.take(job.entry)
            self.at(Boundary.SUBMIT, job.entry.offset)
            core.boundaries.let_go()
            waiting.append(token)
        for entry, attempt in step.attempts:
            core.boundaries.take(entry)
            self.at(Boundary.LOG, entry.offset)
            encoding.attempts([(entry, attempt)])
        for tenant in step.load:
            core.loaded(NOW_MS, tenant, Loaded(version="1", subscriptions=(SUBSCRIPTION,)))
        for token, write in step.write:
            assert isinstance(write, Reject)
            self.ended[write.record.offset] = write.poison.reason
            core.acknowledged(token)

    def _answer(self, core: Core, token: int) -> None:
        job = core.sent_for(token)
        assert job is not None
        hand: Hand = core
        hand.take(token)
        self.at("engine", job.entry.offset)
        hand.let_go()
        if self.deadly.get(job.entry.offset) == Boundary.ANSWER:
            core.boundaries.take(job.entry)
            self.at(Boundary.ANSWER, job.entry.offset)
        if self.deadly.get(job.entry.offset) != Boundary.LOG:
            self.ended[job.entry.offset] = "accepted"
        core.answered(NOW_MS, token, response())

    def _decode(self, record: Record) -> Content:
        self.at(Boundary.DECODE, record.offset)
        read = event(f"evt_{record.offset}", offset=record.offset)
        if self.topic != EVENTS:
            return delivery(read, tier=1)
        return replace(read, type=_DeadlyType(read.type, lambda: self.at(Boundary.MATCH, record.offset)))

    def _target(self, to: Subscription) -> Target:
        return Target(to, lambda each: _Deadly(self.at, target_of(each).signer))

    def _record(self, offset: int) -> Record:
        return Record(
            topic=self.topic, partition=0, offset=offset, key=None, value=b"v", headers=(), timestamp_ms=NOW_MS
        )


class _DeadlyType(str):
    """An event's type that kills who looks it up, as matching does."""

    __slots__ = ("_looked_up",)

    _looked_up: Callable[[], None]

    def __new__(cls, text: str, looked_up: Callable[[], None]) -> Self:
        made = super().__new__(cls, text)
        made._looked_up = looked_up
        return made

    def __hash__(self) -> int:
        self._looked_up()
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


class _Deadly(Signer):
    """Runs the deadly code where the honest one would be."""

    def __init__(self, at: Callable[[str, int], None], inner: Signer) -> None:
        self._at = at
        self._inner = inner

    def body(self, event: Event) -> tuple[bytes, str]:
        self._at(Boundary.RENDER, event.offset)
        return self._inner.body(event)

    def request(
        self, *, event: Event, body: bytes, content_type: str, now_ms: int, addresses: tuple[str, ...] = ()
    ) -> Request:
        self._at(Boundary.SIGN, event.offset)
        return self._inner.request(
            event=event, body=body, content_type=content_type, now_ms=now_ms, addresses=addresses
        )

    def shown(self, request: Request) -> tuple[tuple[str, str], ...]:
        return self._inner.shown(request)


@settings(max_examples=60, phases=[Phase.generate], deadline=None)
@given(
    seed=st.integers(0, 2**32),
    deadly=st.dictionaries(st.integers(0, RECORDS - 1), st.sampled_from(STAGES), max_size=4),
    topic=st.sampled_from([EVENTS, "retry.1s"]),
)
def test_what_kills_is_condemned_at_its_third_death_and_all_else_is_delivered(
    seed: int, deadly: dict[int, str], topic: str
) -> None:
    if topic != EVENTS:
        deadly = {offset: stage for offset, stage in deadly.items() if stage != Boundary.MATCH}  # matched before
    with tempfile.TemporaryDirectory() as folder:
        world = World(deadly, topic, Path(folder) / "mark", Random(seed))
        for _ in range(200):
            try:
                world.live()
            except Death:
                continue
            break
        assert world.position.offset == RECORDS, "it never ends"
        assert world.deaths == dict.fromkeys(deadly, DEATHS)
        for offset in range(RECORDS):
            assert world.ended[offset] == ("deadly" if offset in deadly else "accepted")
