"""A delivery: one event for one subscription, on its way.

The law: a delivery's id and body never change, whatever tier, replay or crash it goes through.

Structs, since one is made for each delivery and each attempt: a frozen dataclass takes ten times as long.
"""

import hashlib
import re
from enum import StrEnum
from typing import Final

import msgspec

from consumer.events.event import Event
from consumer.events.identity import identity

_ID: Final = re.compile("[0-9a-f]{32}")
_SHORT: Final = tuple(number.to_bytes(4, "big").decode("ascii") for number in range(128))
"""Lengths of texts, a character for each byte."""
_ODD: Final = "\xff"  # not ASCII


class Trigger(StrEnum):
    """Why an attempt is made."""

    EVENT = "event"
    REPLAY = "replay"
    RECOVER = "recover"
    RESEND = "resend"
    TEST = "test"


def is_now(trigger: str, job_id: str | None) -> bool:
    """Whether the attempt was made at once for somebody who waited for the answer: no job made it."""
    return trigger == Trigger.RESEND and job_id is None


def delivery_id(event: Event, subscription_id: str, replay_id: str | None = None) -> str:
    """H(the event's identity, subscription id, replay id): 32 hex digits. Lengths are hashed too, so no two collide."""
    source, name, place = identity(event)
    replay, short = replay_id or "", _SHORT
    try:
        framed = (
            f"{short[len(source)]}{source}{short[len(name)]}{name}{short[len(place)]}{place}"
            f"{short[len(subscription_id)]}{subscription_id}{short[len(replay)]}{replay}"
        )
    except IndexError:  # one is long
        framed = _ODD
    texts = (source, name, place, subscription_id, replay)
    # In ASCII a character is a byte, and so its length is the right one.
    told = framed.encode() if framed.isascii() else b"".join(map(_framed, texts))
    return hashlib.blake2b(told, digest_size=16).hexdigest()


def _framed(text: str) -> bytes:
    """Its bytes behind their number."""
    told = text.encode()
    return len(told).to_bytes(4, "big") + told


def is_delivery_id(text: str) -> bool:
    """Whether a delivery could have this id."""
    return _ID.fullmatch(text) is not None


def replay_id(dead_letter_id: str, generation: int) -> str:
    """H(the dead letter's delivery id, generation): the same replay asked twice is the same delivery."""
    return hashlib.blake2b(f"{dead_letter_id}:{generation}".encode(), digest_size=16).hexdigest()


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What the hot path, a retry record, a spill and a dead letter all hold.

    `body` is None until the first attempt rendered it; from then on its bytes are fixed. `tier` is the index of the
    delay topic it came from (0 is `0s`), -1 fresh from an event topic. `first_due_ms`: when it was first due.
    `handed_over`: its last attempt was still under way when this was written. `last_*` tell the last attempt, for dead
    letters and their readers. `order` names the line of an ordered one (`order.py`), and `stopped_ms` tells when it was
    given up as the head of one that stops (`stopping.py`): a commit keeps that, and no record. `turned_away`: a replay
    for which there is no room before what waits of its key.

    `slot_ms`: when its endpoint can take it, None where nobody knows. `waiting_since_ms`: since when it waits for its
    turn, None when it does not. `waited_ms`: such waits that are over, without that before its first attempt.
    `climbed`: the highest tier in which it waited for its endpoint to be reached. `schedule.py` tells what for.

    `trigger` is a `Trigger`, or what a later Hookline wrote; `job_id` the job that made it, where one did.
    """

    id: str
    event: Event
    subscription_id: str
    body: bytes | None = None
    content_type: str = "application/json"
    replay_id: str | None = None
    replays: int = 0
    attempts: int = 0
    spills: int = 0
    handed_over: bool = False
    tier: int = -1
    slot_ms: int | None = None
    first_due_ms: int = 0
    first_attempt_ms: int | None = None
    last_status: int | None = None
    last_reason: str = ""
    last_attempt_ms: int | None = None
    waiting_since_ms: int | None = None
    waited_ms: int = 0
    climbed: int = 0
    order: str | None = None
    stopped_ms: int | None = None
    turned_away: bool = False
    trigger: str = Trigger.EVENT
    job_id: str | None = None

    @property
    def record_number(self) -> int:
        """How many records of it came before this one: each has an attempt or a spill more than the one before it."""
        return self.attempts + self.spills

    @property
    def is_new(self) -> bool:
        """Whether it was never tried, nor found its endpoint out of reach."""
        return self.attempts == 0 and self.climbed == 0

    @property
    def waits(self) -> bool:
        """Whether it waits for its turn, and not because an attempt failed."""
        return self.slot_ms is not None or self.attempts == 0


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A slice of a large fan-out: the event once, at most 100 subscriptions, none attempted yet.

    Without subscriptions it is an event that has still to be matched: its tenant could not be read.
    """

    event: Event
    subscription_ids: tuple[str, ...]
    first_due_ms: int
    tier: int = 0

    @property
    def unmatched(self) -> bool:
        """Whether nobody knows yet whom it is for."""
        return not self.subscription_ids


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """Where a delivery ends that could not be delivered. `reason` is one of `outcome.DeathReason`.

    `left_out_bytes` is over 0 for a stub: the record, of that size, was too large for the topic and is here without its
    body and its event's data.
    """

    delivery: Delivery
    reason: str
    detail: str
    failed_at_ms: int
    url: str
    brand: str
    left_out_bytes: int = 0


class Bodies(StrEnum):
    """What an attempt's record has of its bodies (`kept_bodies.py`)."""

    WHOLE = "whole"
    REDACTED = "redacted"  # the request's without what was redacted, and no answer
    NONE = "none"  # they were left out
    ERASED = "erased"  # they were sealed, and their tenant was erased: never in a record, told when it is read
    LOCKED = "locked"  # they are sealed, and nobody here has what opens them: the same

    @property
    def there(self) -> bool:
        """Whether there is anything of them to be shown."""
        return self in {Bodies.WHOLE, Bodies.REDACTED}


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request of a delivery and what came of it: the record of the delivery log.

    `outcome` is delivered, retry or dead; `next_tier` names the delay topic when it is retry, `reason` is a
    `outcome.DeathReason` when it is dead. `first_attempt_ms` is None of the first. `event_topic` and what follows say
    where the event lies; it is empty where that is nowhere. The times `dns_ms` to `first_byte_ms` are those of
    `answer.Timing`. `bodies` is one of `Bodies`. Secret-bearing request header values (the customer's own) are replaced
    before an Attempt is built.
    """

    delivery_id: str
    event_id: str
    event_type: str
    tenant: str
    subscription_id: str
    number: int
    at_ms: int
    first_attempt_ms: int | None
    url: str
    status: int | None
    failure: str | None
    elapsed_ms: float
    outcome: str
    next_tier: str | None
    reason: str | None
    replay_id: str | None
    trigger: str
    job_id: str | None
    brand: str
    response_truncated: bool
    failure_detail: str
    product: str | None
    content_type: str
    event_time_ms: int
    event_topic: str
    event_partition: int
    event_offset: int
    first_due_ms: int
    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None
    bodies: str
    request_headers: tuple[tuple[str, str], ...]
    response_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    response_body: bytes

    @property
    def sent(self) -> bytes | None:
        """The request's body as it was sent; None: there was none, or the record has it not, or not whole."""
        return self.request_body or None if self.bodies == Bodies.WHOLE else None
