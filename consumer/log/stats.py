"""A webhook's attempts by the hour and by the day: how many were accepted, how many failed, how long it took. Pure.

The laws:
- an attempt counts in the hour and in the day (of UTC) in which it began, as long as these are kept: 24 hours and 30
  days, up to the latest that has any. It counts there once, whatever order attempts come in;
- what counts is what says something of the endpoint: no test, and no failure of ours;
- only an HTTP answer has a time: how long nothing came says how long we waited, and may tell of our name service.

Packed it is MessagePack:

    [[newest hour, mask, its five, newest day, mask, its five], hours before, days before]

Hours and days are counted from 1970. Bit n of a mask is set where n hours (days) before the newest there was any; only
those have a five: accepted, failed, failed without an answer, milliseconds of all answers, and of the longest one.
Those before the newest are bytes, again MessagePack: an array of their fives, one after the other, newest first. They
hardly ever change, and so are as they are read until an attempt is late, or an hour is over: what is saved four times
a second costs two fives then, and not fifty.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import msgspec

from consumer.delivery.answer import OURS
from consumer.delivery.delivery import Trigger
from consumer.log.health import Sent

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_FIVE: Final = 5
_HEAD: Final = 2 + _FIVE
_NOTHING: Final = (0,) * _FIVE

_encode: Final = msgspec.msgpack.Encoder().encode
_fives: Final = msgspec.msgpack.Decoder(list[int]).decode
_decode: Final = msgspec.msgpack.Decoder(tuple[list[int], bytes, bytes]).decode
_NONE_BEFORE: Final = _encode([])


class Period(Enum):
    """How far back, and in what steps: a step's length in ms, and how many there are."""

    DAY = HOUR_MS, 24
    MONTH = DAY_MS, 30

    @property
    def step_ms(self) -> int:
        """How long a step is."""
        return self.value[0]

    @property
    def steps(self) -> int:
        """How many there are."""
        return self.value[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The attempts that began in the step from `start_ms` on. `answers_ms` is of all `answers`, `worst_ms` of one."""

    start_ms: int
    delivered: int = 0
    failed: int = 0
    answers: int = 0
    answers_ms: int = 0
    worst_ms: int = 0

    @property
    def mean_ms(self) -> float | None:
        """Of the answers; None where there was none."""
        return self.answers_ms / self.answers if self.answers else None


@dataclass(slots=True)
class _Series:
    """Steps of one length. `five` is of the newest, `before` of those before it, as they are packed."""

    kept: int
    newest: int = 0
    mask: int = 0
    five: list[int] = field(default_factory=lambda: [*_NOTHING])
    before: bytes = _NONE_BEFORE

    def count(self, step: int, sent: Sent, took_ms: int) -> None:
        """Take an attempt in, unless its step is not kept any more."""
        if step > self.newest:
            self._move_to(step)
        if step == self.newest:
            _count(self.five, 0, sent, took_ms)
            self.mask |= 1
        elif self.newest - step < self.kept:
            self._count_late(self.newest - step, sent, took_ms)

    def steps(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Each with its five."""
        fives = self._all()
        at = 0
        for ago in range(self.kept):
            if self.mask >> ago & 1:
                yield self.newest - ago, fives[at : at + _FIVE]
                at += _FIVE

    @property
    def is_sound(self) -> bool:
        """Whether there are as many numbers as the mask says, and none that could not be counted."""
        numbers = self._all()
        whole = self.mask >> self.kept == 0 and len(numbers) == _FIVE * self.mask.bit_count()
        return whole and self.newest >= 0 and min(numbers, default=0) >= 0

    def _all(self) -> list[int]:
        return [*(self.five if self.mask & 1 else ()), *_fives(self.before)]

    def _move_to(self, step: int) -> None:
        moved = min(step - self.newest, self.kept)
        fives = self._all()
        self.newest, self.five = step, [*_NOTHING]
        self.mask = self.mask << moved & ((1 << self.kept) - 1)
        self.before = _encode(fives[: _FIVE * self.mask.bit_count()])

    def _count_late(self, ago: int, sent: Sent, took_ms: int) -> None:
        fives = _fives(self.before)
        bit = 1 << ago
        at = _FIVE * (self.mask & (bit - 2)).bit_count()  # without the newest
        if not self.mask & bit:
            self.mask |= bit
            fives[at:at] = _NOTHING
        _count(fives, at, sent, took_ms)
        self.before = _encode(fives)


@dataclass(slots=True)
class Stats:
    """Of one webhook."""

    hours: _Series = field(default_factory=lambda: _Series(Period.DAY.steps))
    days: _Series = field(default_factory=lambda: _Series(Period.MONTH.steps))

    def count(self, sent: Sent) -> None:
        """Take an attempt in that `counts`."""
        took_ms = round(sent.elapsed_ms)
        began_ms = sent.began_ms
        self.hours.count(began_ms // HOUR_MS, sent, took_ms)
        self.days.count(began_ms // DAY_MS, sent, took_ms)

    def packed(self) -> bytes:
        """For Redis."""
        hours, days = self.hours, self.days
        head = [hours.newest, hours.mask, *hours.five, days.newest, days.mask, *days.five]
        return _encode((head, hours.before, days.before))

    @classmethod
    def unpacked(cls, packed: bytes) -> "Stats":
        """What was packed.

        Raises:
            ValueError: these bytes are none.
        """
        head, hours, days = _decode(packed)
        if len(head) != 2 * _HEAD:
            raise ValueError("these are no statistics")
        hour, hours_mask, day, days_mask = head[0], head[1], head[_HEAD], head[_HEAD + 1]
        return cls(
            hours=_Series(Period.DAY.steps, hour, hours_mask, head[2:_HEAD], hours),
            days=_Series(Period.MONTH.steps, day, days_mask, head[_HEAD + 2 :], days),
        )

    @classmethod
    def checked(cls, packed: bytes) -> "Stats":
        """The same of what another version of Hookline, or somebody else, may have written.

        Raises:
            ValueError: these bytes are none, or none that can be counted on.
        """
        stats = cls.unpacked(packed)
        if not (stats.hours.is_sound and stats.days.is_sound):
            raise ValueError("these are no statistics")
        return stats

    def of(self, period: Period) -> _Series:
        """The steps of a period."""
        return self.hours if period is Period.DAY else self.days

    @property
    def last_ms(self) -> int:
        """The beginning of the latest hour in which there was an attempt."""
        return self.hours.newest * HOUR_MS


def counts(sent: Sent) -> bool:
    """Whether an attempt counts."""
    return sent.trigger != Trigger.TEST and sent.failure not in OURS


def buckets(parts: Iterable[Stats], period: Period, now_ms: int) -> list[Bucket]:
    """All steps of a period up to now, oldest first, those without attempts too. `parts` are of all partitions."""
    last = now_ms // period.step_ms
    sums = {step: list(_NOTHING) for step in range(last - period.steps + 1, last + 1)}
    for part in parts:
        for step, five in part.of(period).steps():
            if (own := sums.get(step)) is not None:
                longest = max(own[-1], five[-1])
                own[:] = [one + other for one, other in zip(own, five, strict=True)]
                own[-1] = longest
    return [_bucket(step * period.step_ms, five) for step, five in sums.items()]


def total(of: Sequence[Bucket]) -> Bucket:
    """Of all of them. Raises ValueError where there is none."""
    return Bucket(
        start_ms=min(each.start_ms for each in of),
        delivered=sum(each.delivered for each in of),
        failed=sum(each.failed for each in of),
        answers=sum(each.answers for each in of),
        answers_ms=sum(each.answers_ms for each in of),
        worst_ms=max(each.worst_ms for each in of),
    )


def _count(fives: list[int], at: int, sent: Sent, took_ms: int) -> None:
    """Take an attempt into the five at this place."""
    if sent.outcome == "delivered":
        fives[at] += 1
    else:
        fives[at + 1] += 1
    if sent.status is None:
        fives[at + 2] += 1
        return
    fives[at + 3] += took_ms
    fives[at + 4] = max(fives[at + 4], took_ms)


def _bucket(start_ms: int, five: Sequence[int]) -> Bucket:
    delivered, failed, unanswered, answers_ms, worst_ms = five
    return Bucket(
        start_ms=start_ms,
        delivered=delivered,
        failed=failed,
        answers=delivered + failed - unanswered,
        answers_ms=answers_ms,
        worst_ms=worst_ms,
    )
