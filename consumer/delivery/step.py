"""What the core asks of its shell.

The law: a write is asked for once under a token, and what it stands for ends only when the shell says that Kafka has
acknowledged that token.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from consumer.delivery.again import Again
from consumer.delivery.boundary import Bug
from consumer.delivery.delivery import Attempt, Chunk, DeadLetter, Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.lined_up import OrderedLook
from consumer.delivery.logged import Unread
from consumer.delivery.offsets import Partition
from consumer.delivery.standing import Report
from consumer.delivery.tracing import Traced
from consumer.events.event import Poison, Record
from consumer.signing.request import Request
from consumer.signing.written import Written
from consumer.webhooks.subscription import Subscription


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """A retry, a spill, a chunk or an event not matched yet: to the delay topic of `tier`."""

    tier: int
    delayed: Delivery | Chunk


class LineUp(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery of an ordered webhook: to the ordered topic, where its line decides when it is sent.

    Not before `delay_ms` are over, when it is the first of its line there.
    """

    delivery: Delivery
    delay_ms: int = 0


class Bury(msgspec.Struct, frozen=True, kw_only=True):
    """To the dead-letter topic."""

    dead_letter: DeadLetter


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """To the poison topic, byte for byte; with `left_out_bytes`, as a stub of a record of that size."""

    record: Record
    poison: Poison
    left_out_bytes: int = 0


class Suspend(msgspec.Struct, frozen=True, kw_only=True):
    """The subscription's next revision, to the subscriptions topic."""

    subscription: Subscription


Write: TypeAlias = Delay | LineUp | Bury | Reject | Suspend


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAhead:
    """A wish to read on in a partition, from this offset, for the records of these keys."""

    token: int
    partition: Partition
    offset: int
    keys: frozenset[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAhead:
    """What was found: all records of the keys asked for from the offset asked for up to `end`, which may be little.

    `at_end`: the log ends there. Where nothing could be read `end` is the offset asked for.
    """

    token: int
    end: int
    records: tuple[Record, ...] = ()
    at_end: bool = False


@dataclass(slots=True, kw_only=True)
class Step:
    """One turn's wishes: requests to start, records to produce, attempts to log, tenants and schemas to load.

    `load` and `load_alone` are tenants with the version known: to be read together, and each for itself. An attempt
    comes with the record that it was made for, and those that were `traced` are told once more. What the native
    step does is beside what is done in Python: `written` are requests to start too, and `unread` attempts to log.
    `bugs` are those contained since the last step. `succeeded_late` are deliveries that were handed over and then
    accepted: to be marked in the cache; `check` asks for such marks. Of what was `replaced` no further try is
    wanted: the others are to be told. `reports` are for whoever keeps the webhooks' standings. `again` is to be
    read once more of the ordered topic; `ordered` asks how far it is finished. `names` are hosts to ask name
    servers for. `wake_ms` is when the core wants its next turn even if nothing happens.
    """

    send: list[tuple[int, Request]] = field(default_factory=list)
    written: list[tuple[int, Written]] = field(default_factory=list)
    write: list[tuple[int, Write]] = field(default_factory=list)
    attempts: list[tuple[Entry, Attempt]] = field(default_factory=list)
    unread: list[tuple[Entry, Unread]] = field(default_factory=list)
    traced: list[Traced] = field(default_factory=list)
    bugs: list[Bug] = field(default_factory=list)
    cancel: list[int] = field(default_factory=list)
    load: dict[str, str | None] = field(default_factory=dict)
    load_alone: dict[str, str | None] = field(default_factory=dict)
    schemas: list[int] = field(default_factory=list)
    names: Sequence[str] = ()
    succeeded_late: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    pause: list[Partition] = field(default_factory=list)
    resume: list[Partition] = field(default_factory=list)
    again: Again | None = None
    ordered: OrderedLook | None = None
    ahead: LookAhead | None = None
    wake_ms: int | None = None

    @property
    def begun(self) -> int:
        """How many requests are to start."""
        return len(self.send) + len(self.written)
