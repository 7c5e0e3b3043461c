"""One attempt as the index of the delivery log keeps it: what a list of attempts shows, packed.

The law: an entry read back is equal to what was packed, and entries of one list compare as bytes in the order of their
offsets.

Big-endian; the texts follow the head:

     0  u48  offset in its partition          20  u8   number of the attempt (255: that many or more)
     6  u48  logged: the record's time, ms    21  u8   bits 0-1 outcome, 2-4 trigger, 5 truncated, 6 and 7: see below
    12  u32  begun: ms before logged          22  u8   next tier, or the reason of death
    16  u16  elapsed ms (65535: or longer)    23  16 B the delivery's id
    18  u16  HTTP status, or a failure < 100  39  u16  length of the event's type, bytes
    41       event type, event id; with bit 7 u32 the delivery's first attempt: ms before this one was begun;
             with bit 6 the job's id, and u8 its length
"""

import struct
from enum import IntEnum
from typing import Final

import msgspec

from consumer.delivery.answer import FailureKind
from consumer.delivery.outcome import DeathReason

HEAD_BYTES: Final = 41
ELAPSED_MOST_MS: Final = 0xFFFF
BEGUN_MOST_MS: Final = 0xFFFF_FFFF
NUMBER_MOST: Final = 0xFF
NO_TIER: Final = 0xFF
JOB_MOST: Final = 0xFF
"""Bytes of a job's id."""

_HEAD: Final = struct.Struct(">6s6sIHHBBB16sH")
_FIRST: Final = struct.Struct(">I")
_OFFSET: Final = slice(0, 6)
LOGGED: Final = slice(6, 12)
_BEGUN: Final = slice(12, 16)
_NUMBER: Final = 20
_BITS: Final = 21
_DELIVERY: Final = slice(23, 39)
_TRUNCATED: Final = 1 << 5
_OF_A_JOB: Final = 1 << 6
_LATER: Final = 1 << 7
_FIRST_STATUS: Final = 100

# Part of the format: numbers are never given to another word.
_FAILURES: Final[tuple[str, ...]] = (
    "",
    FailureKind.TIMEOUT,
    FailureKind.DNS,
    FailureKind.CONNECT,
    FailureKind.TLS,
    FailureKind.RESET,
    FailureKind.PROTOCOL,
    FailureKind.ADDRESS_REFUSED,
    FailureKind.UNSIGNABLE,
    FailureKind.UNANSWERED,
    FailureKind.BUG,
)
_REASONS: Final[tuple[str, ...]] = (
    "",
    DeathReason.EXHAUSTED,
    DeathReason.EXPIRED,
    DeathReason.GONE,
    DeathReason.RETRIES_NONE,
    DeathReason.SUSPENDED,
    DeathReason.TOO_LARGE,
    DeathReason.WAITED,
    DeathReason.BLOCKED,
)
_FAILURE_CODES: Final = {word: code for code, word in enumerate(_FAILURES)}
_REASON_CODES: Final = {word: code for code, word in enumerate(_REASONS)}
_OTHER: Final = "other"
"""A word that this version has no number for: another version wrote the record."""
_OTHER_CODE: Final = _FIRST_STATUS - 1


class Ended(IntEnum):
    """What came of an attempt."""

    DELIVERED = 0
    RETRY = 1
    DEAD = 2


class Trigger(IntEnum):
    """Why an attempt was made."""

    EVENT = 0
    REPLAY = 1
    RECOVER = 2
    RESEND = 3
    TEST = 4


_NOW_BITS: Final = 7 << 2 | _OF_A_JOB
_NOW: Final = Trigger.RESEND << 2


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. `delivery` is its delivery's id, 32 hex digits.

    `status` is None where no HTTP answer came, and then `failure` says why; `tier` is that of the next try where one
    follows; `reason` that of a death. Times are ms since 1970; `first_ms` is when the delivery's first attempt began,
    None where its record does not tell. `job_id` is empty where no job made it.

    A Struct, since one is made for each attempt.
    """

    offset: int
    logged_ms: int
    begun_ms: int
    first_ms: int | None
    elapsed_ms: int
    status: int | None
    failure: str
    number: int
    ended: Ended
    trigger: Trigger
    truncated: bool
    tier: int | None
    reason: str
    delivery: str
    event_type: str
    event_id: str
    job_id: str = ""

    @property
    def changes_nothing(self) -> bool:
        """Whether its delivery stands as it did: it was sent *now*, beside its other tries, and not accepted."""
        return self.ended is not Ended.DELIVERED and self.trigger is Trigger.RESEND and not self.job_id

    @property
    def plain(self) -> bool:
        """Whether this one attempt is the whole delivery: a first try of an event, and accepted."""
        return is_plain(self.ended, self.number, self.trigger)


def is_plain(ended: Ended | None, number: int, trigger: Trigger) -> bool:
    """See `Entry.plain`."""
    return ended is Ended.DELIVERED and number == 1 and trigger is Trigger.EVENT


def pack(entry: Entry) -> bytes:
    """What is kept of it. Numbers that are too large for their place stand there as its largest."""
    status = _FAILURE_CODES.get(entry.failure, _OTHER_CODE) if entry.status is None else entry.status
    bits = entry.ended | entry.trigger << 2 | (_TRUNCATED if entry.truncated else 0)
    first = job = b""
    if entry.first_ms is not None and entry.number != 1:
        bits |= _LATER
        first = _FIRST.pack(_between(entry.first_ms, entry.begun_ms))
    if entry.job_id:
        bits |= _OF_A_JOB
        job = entry.job_id.encode("utf-8", "replace")[:JOB_MOST]
        job += bytes((len(job),))
    event_type = entry.event_type.encode("utf-8", "replace")
    head = _HEAD.pack(
        entry.offset.to_bytes(6, "big"),
        entry.logged_ms.to_bytes(6, "big"),
        _between(entry.begun_ms, entry.logged_ms),
        min(max(0, entry.elapsed_ms), ELAPSED_MOST_MS),
        status,
        min(entry.number, NUMBER_MOST),
        bits,
        _last(entry),
        bytes.fromhex(entry.delivery),
        len(event_type),
    )
    return b"".join((head, event_type, entry.event_id.encode("utf-8", "replace"), first, job))


def unpack(packed: bytes) -> Entry:
    """The entry.

    Raises:
        ValueError: these bytes are none.
    """
    try:
        offset, logged, begun, elapsed, status, number, bits, last, delivery, length = _HEAD.unpack_from(packed)
    except struct.error as error:
        raise ValueError("it is shorter than an entry's head") from error
    end = len(packed)
    job_at = end - 1 - packed[-1] if bits & _OF_A_JOB else end
    first_at = job_at - _FIRST.size if bits & _LATER else job_at
    if HEAD_BYTES + length > first_at:
        raise ValueError("its texts are cut")
    ended, logged_ms = Ended(bits & 3), int.from_bytes(logged, "big")
    answered = status >= _FIRST_STATUS
    begun_ms = logged_ms - begun
    return Entry(
        offset=int.from_bytes(offset, "big"),
        logged_ms=logged_ms,
        begun_ms=begun_ms,
        first_ms=_first_ms(packed, first_at, begun_ms) if bits & _LATER else begun_ms if number == 1 else None,
        elapsed_ms=elapsed,
        status=status if answered else None,
        failure="" if answered else _word(_FAILURES, status),
        number=number,
        ended=ended,
        trigger=Trigger(bits >> 2 & 7),
        truncated=bool(bits & _TRUNCATED),
        tier=last if ended is Ended.RETRY and last != NO_TIER else None,
        reason=_word(_REASONS, last) if ended is Ended.DEAD else "",
        delivery=delivery.hex(),
        event_type=packed[HEAD_BYTES : HEAD_BYTES + length].decode(),
        event_id=packed[HEAD_BYTES + length : first_at].decode(),
        job_id=packed[job_at : end - 1].decode("utf-8", "replace") if bits & _OF_A_JOB else "",
    )


def offset_of(packed: bytes) -> int:
    """The offset of a packed entry."""
    return int.from_bytes(packed[_OFFSET], "big")


def logged_of(packed: bytes) -> int:
    """When a packed entry was logged, ms since 1970."""
    return int.from_bytes(packed[LOGGED], "big")


def delivery_of(packed: bytes) -> bytes:
    """The 16 bytes of a packed entry's delivery id."""
    return packed[_DELIVERY]


def ended_of(packed: bytes) -> Ended:
    """What came of the attempt of a packed entry."""
    return Ended(packed[_BITS] & 3)


def trigger_of(packed: bytes) -> Trigger:
    """Why the attempt of a packed entry was made."""
    return Trigger(packed[_BITS] >> 2 & 7)


def changes_nothing(packed: bytes) -> bool:
    """See `Entry.changes_nothing`."""
    return packed[_BITS] & _NOW_BITS == _NOW and ended_of(packed) is not Ended.DELIVERED


def is_whole(packed: bytes) -> bool:
    """Whether the attempt of a packed entry is all that there will be of its delivery: a first one, and accepted."""
    return packed[_NUMBER] == 1 and ended_of(packed) is Ended.DELIVERED


def moved(packed: bytes, logged_ms: int) -> bytes:
    """The same entry, logged at another time; begun when it was, or then at the latest."""
    begun = int.from_bytes(packed[_BEGUN], "big") + logged_ms - logged_of(packed)
    begun = min(max(0, begun), BEGUN_MOST_MS)
    return packed[: LOGGED.start] + logged_ms.to_bytes(6, "big") + begun.to_bytes(4, "big") + packed[_BEGUN.stop :]


def _between(one_ms: int, other_ms: int) -> int:
    return min(max(0, other_ms - one_ms), BEGUN_MOST_MS)


def _first_ms(packed: bytes, at: int, begun_ms: int) -> int:
    before: int = _FIRST.unpack_from(packed, at)[0]
    return begun_ms - before


def _last(entry: Entry) -> int:
    match entry.ended:
        case Ended.RETRY:
            return NO_TIER if entry.tier is None else min(entry.tier, NO_TIER)
        case Ended.DEAD:
            return _REASON_CODES.get(entry.reason, _OTHER_CODE)
        case Ended.DELIVERED:
            return 0


def _word(words: tuple[str, ...], code: int) -> str:
    return words[code] if code < len(words) else _OTHER
