"""What was promised and what came of it, as facts: the checker judges them.

A delivery's line goes down records: its event (progress EVENT), perhaps a chunk (CHUNK), then retry and spill records,
each with one attempt or spill more. Every record is run once, and ends in a record of more progress or in its place;
a fault may run a record again, and each run again may end a line once more. That is how duplicates are accounted for.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from consumer.delivery.delivery import delivery_id
from consumer.delivery.done_map import DoneMap
from consumer.delivery.offsets import Partition
from consumer.events.event import Event

EVENT = -2
CHUNK = -1

Place: TypeAlias = tuple[Partition, int]
Attempted: TypeAlias = tuple[str, int, int]
"""An attempt, as the log tells it: its delivery's id, its number, when it was begun."""


def name_of(place: Place) -> str:
    """`topic-partition@offset`."""
    (topic, number), offset = place
    return f"{topic}-{number}@{offset}"


@dataclass(slots=True, eq=False)
class Published:
    """An event that was acknowledged to its producer. `places`: several when an unsure producer wrote it again."""

    id: str
    type: str
    tenant: str
    product: str | None
    kind: str
    data: bytes
    at_ms: int
    key: bytes | None = None  # of its record, where it has one
    places: dict[Place, int] = field(default_factory=dict)  # with the time of the record there
    done_ms: int | None = None  # when it was first committed as done
    removed: bool = False  # by retention, before it was done
    ends_in_poison: bool = False  # it kills who reads it, or meets a bug
    unmatched: list[Place] = field(default_factory=list)  # records of it that have still to be matched
    rewritten: int = 0  # of these, the ones a producer wrote twice
    pairs: "dict[str, Pair]" = field(default_factory=dict)
    _as_read: list[Event] = field(default_factory=list)

    def delivery_ids(self, webhook: str) -> Iterator[str]:
        """The ids of its deliveries to this webhook: one for each place."""
        if len(self._as_read) != len(self.places):
            self._as_read = [self._read_at(place, timestamp_ms) for place, timestamp_ms in self.places.items()]
        return (delivery_id(event, webhook) for event in self._as_read)

    def _read_at(self, place: Place, timestamp_ms: int) -> Event:
        (topic, partition), offset = place
        return Event(
            id=self.id,
            type=self.type,
            tenant=self.tenant,
            product=self.product,
            time_ms=timestamp_ms,
            data=self.data,
            topic=topic,
            partition=partition,
            offset=offset,
            timestamp_ms=timestamp_ms,
        )


@dataclass(slots=True, eq=False)
class Pair:
    """An event and a webhook. `silent` are acceptances whose 2xx never came to a process that waited for it."""

    event: Published
    webhook: str
    accepted: int = 0
    silent: int = 0
    logged: int = 0
    rewritten: int = 0  # records of it that a producer wrote twice
    buried: int = 0
    lined_up_ms: int = 0  # when its event was last matched, of what goes by its key
    replay_ids: set[str] = field(default_factory=set)  # of deliveries of it that its customer asked for again
    chunks: list[Place] = field(default_factory=list)
    waits: dict[int, list[int]] = field(default_factory=dict)  # by slot, how long it was ahead of each record for it
    lines: dict[int, list[Place]] = field(default_factory=dict)  # by progress, the delay records written
    body: bytes | None = None
    first_accepted_ms: int | None = None
    started_ms: Counter[int] = field(default_factory=Counter)  # how many attempts began then
    asked_until_ms: dict[int, int] = field(default_factory=dict)  # Retry-After, by when the attempt had started
    _ids: set[str] = field(default_factory=set)  # as far as its event's places were known
    _ids_of: int = 0  # so many places

    def has_id(self, delivery: str) -> bool:
        """Whether a delivery of it has this id, be it one that was replayed."""
        if self._ids_of != len(self.event.places):
            self._ids.update(self.event.delivery_ids(self.webhook))
            self._ids_of = len(self.event.places)
        return delivery in self._ids or delivery in self.replay_ids

    @property
    def endings(self) -> int:
        """How often it was accepted or buried."""
        return self.accepted + self.buried

    @property
    def written(self) -> int:
        """The delay records and dead letters of it."""
        return sum(map(len, self.lines.values())) + self.buried + len(self.chunks)

    @property
    def written_for_no_slot(self) -> int:
        """Those of them that are not for a wait for its turn."""
        return self.written - sum(map(len, self.waits.values()))

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.event.id} to {self.webhook}"


@dataclass(slots=True, eq=False)
class Session:
    """One assignment of a partition to a process. `clean` once all that it finished was committed at its end.

    `full`: the map that it began with has no room for more, so not all that was finished before it need be told there.
    """

    partition: Partition
    who: str
    begins: int
    done: DoneMap | None
    full: bool = False
    clean: bool = False
    seen: int = -1
    ahead: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Run:
    """A record that was given to a core: by which session last, how often, and how often again after a fault."""

    session: Session
    times: int = 1
    again: int = 0


@dataclass(slots=True, eq=False)
class Delayed:
    """A record of a delay topic, as it was written. `due_ms`: not before, by the world's clock.

    The world's goes as fast as the leader's that appended it. `apart_ms`: so early it may be, by a process's own clock.
    """

    place: Place
    pairs: Sequence[Pair]
    progress: int
    due_ms: int
    last_attempt_ms: int | None
    apart_ms: int = 0


@dataclass(slots=True)
class Ledger:
    """All facts of one seed."""

    events: dict[str, Published] = field(default_factory=dict)
    at: dict[Place, Published] = field(default_factory=dict)
    delayed: dict[Place, Delayed] = field(default_factory=dict)
    unmatched: dict[Place, Published] = field(default_factory=dict)
    runs: dict[Place, Run] = field(default_factory=dict)
    done: dict[Partition, set[int]] = field(default_factory=dict)  # ever committed as done, above `below`
    below: dict[Partition, int] = field(default_factory=dict)
    never_events: set[Place] = field(default_factory=set)  # those of not_events that must end in poison
    not_events: set[Place] = field(default_factory=set)  # tombstones and what can never be an event
    poisoned: set[Place] = field(default_factory=set)
    given_again: set[Place] = field(default_factory=set)  # of the ordered topic, read once more by somebody
    first_accepted: dict[tuple[str, Partition, bytes], int] = field(default_factory=dict)  # the last of them, by line
    disturbed: set[Partition] = field(default_factory=set)  # somebody else's commit lies over its owner's
    attempts: Counter[Attempted] = field(default_factory=Counter)  # logged
    by_delivery: dict[bytes, Pair] = field(default_factory=dict)
    requests: int = 0

    def pair(self, event: Published, webhook: str) -> Pair:
        """The pair, from now on."""
        pair = event.pairs.get(webhook)
        if pair is None:
            pair = event.pairs[webhook] = Pair(event, webhook)
            self.by_delivery |= {each.encode(): pair for each in event.delivery_ids(webhook)}
        return pair

    def pairs_at(self, place: Place) -> Sequence[Pair]:
        """The pairs that a record is about, as far as any were met."""
        event = self.at.get(place) or self.unmatched.get(place)
        if event is not None:
            return list(event.pairs.values())
        delayed = self.delayed.get(place)
        return () if delayed is None else delayed.pairs

    def is_done(self, place: Place) -> bool:
        """Whether it was ever committed as done."""
        partition, offset = place
        return offset < self.below.get(partition, 0) or offset in self.done.get(partition, ())

    def runs_again(self, pair: Pair) -> int:
        """How often faults made a record of this pair run again."""
        event = pair.event
        lines = (place for line in pair.lines.values() for place in line)
        places = [*event.places, *event.unmatched, *pair.chunks, *lines]
        return sum(self.runs[place].again for place in places if place in self.runs)
