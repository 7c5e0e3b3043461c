"""Every job there is: the fold of the jobs topic's `job-asked:` and `job:` records, in memory.

The law: of what was asked for, the first record of each number holds. So who writes a wish learns whether it is one,
and of two at once the second is not taken for the first. Of what became of a job the last record holds.

The two are on different partitions and may come in any order. A job of which the second was deleted, or cannot be read,
is hidden: it is neither shown nor begun anew, for what it sent would be sent twice.

Each is kept as the value of its record, about 1 KB a job, and decoded when it is asked for (0.1 ms).
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

import structlog

from consumer.control.order import Position
from consumer.control.owner import Owner
from consumer.events.event import Record
from consumer.jobs.conduct import ENDED_OF_A_TENANT, AskedJob
from consumer.jobs.job import Asked, Job, State
from consumer.jobs.lists import NOTHING, Kept, Lists
from consumer.jobs.record import asked_of, decode_asked, decode_job, job_of
from consumer.kafka.topic_writer import Place
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt

T = TypeVar("T")

_log = structlog.get_logger("jobs")

_REMEMBERED: Final = 10_000


class Jobs:
    """May be used by several threads; `apply` and `forget` by one. `ended_most`: see `conduct.ENDED_OF_A_TENANT`."""

    def __init__(self, *, ended_most: int = ENDED_OF_A_TENANT) -> None:
        self._changed = threading.Condition()
        self._kept: dict[str, Kept] = {}
        self._lists = Lists(ended_most=ended_most)
        self._lost: OrderedDict[Place, None] = OrderedDict()

    def apply(self, record: Record) -> None:
        """Take a record of the jobs topic; those of other kinds are passed over."""
        if (job_id := asked_of(record.key)) is not None:
            self._apply_asked(record, job_id)
        elif (job_id := job_of(record.key)) is not None:
            self._apply_job(record, job_id)

    def forget(self) -> None:
        """Begin anew: the topic is another one."""
        with self._changed:
            for each in (self._kept, self._lists, self._lost):
                each.clear()

    def get(self, job_id: str) -> tuple[Asked, Job | None] | None:
        """What was asked for, and what became of it: None of a job that was not heard of yet."""
        kept = self._kept.get(job_id, NOTHING)
        if kept.asked is None or kept.hidden:
            return None
        return decode_asked(kept.asked, job_id), None if kept.job is None else decode_job(kept.job, job_id)

    def known(self, job_id: str) -> AskedJob | None:
        """A job that was heard of, also one that was refused."""
        return _known(job_id, self._kept.get(job_id, NOTHING))

    def page(self, owner: Owner, *, after: str | None, limit: int) -> tuple[list[AskedJob], str | None]:
        """At most `limit` of an owner's jobs behind this one, the newest first; the id to go on after, if any follow.

        Refused ones are left out. Behind a job that is there no more is nothing: what is older went before it.
        """
        with self._changed:
            before = NOTHING if after is None else self._kept.get(after, NOTHING)
            if after is not None and before.owner != owner:
                return [], None
            positions, more = self._lists.after(owner, None if after is None else before.position, limit)
            kept = self._at(positions)
        return _all(kept), positions[-1][1] if more else None

    def unfinished(self, tenant: str | None = None, *, most: int | None = None) -> list[AskedJob]:
        """A tenant's jobs that have not ended, the oldest first; None: everybody's, so many of them."""
        with self._changed:
            kept = [(job_id, self._kept[job_id]) for job_id in self._lists.unfinished(tenant)]
        return _all(_oldest_first(kept)[:most])

    def unheard(self) -> list[tuple[Asked, Job | None]]:
        """Those of which the latest wish was not heard, the oldest first."""
        with self._changed:
            kept = [(job_id, self._kept[job_id]) for job_id in self._lists.unheard()]
        found = (self.get(job_id) for job_id, _ in _oldest_first(kept))
        return [each for each in found if each is not None]

    def all(self) -> Iterator[AskedJob]:
        """Everybody's jobs, the oldest first, those that were refused too: each as it is when it is come to."""
        with self._changed:
            kept = [*self._kept.items()]
        found = (self.known(job_id) for job_id, _ in _oldest_first(kept))
        return (known for known in found if known is not None)

    def outnumbered(self, most: int) -> list[str]:
        """The ids of those that ended first, of tenants with too many jobs that have ended; so many at most."""
        with self._changed:
            return self._lists.outnumbered(most)

    def held(self, place: Place) -> bool:
        """Whether the wish at this place, applied lately, is one. The last 10,000 that are none are remembered."""
        return place not in self._lost

    def wait_heard(self, job_id: str, number: int, timeout_s: float) -> AskedJob | None:
        """A job as soon as it has heard this wish or a later one; None where it has not in time."""

        def heard() -> bool:
            kept = self._kept.get(job_id, NOTHING)
            return kept.whole and kept.heard >= number

        with self._changed:
            return self.known(job_id) if self._changed.wait_for(heard, timeout_s) else None

    def _apply_asked(self, record: Record, job_id: str) -> None:
        asked = _read(record, decode_asked, job_id)
        with self._changed:
            kept = self._kept.get(job_id, NOTHING)
            if asked is None:
                self._put(job_id, replace(kept, owner=None, asked=None, number=0))
            elif kept.asked is not None and asked.number <= kept.number:
                self._remember_lost(Place(partition=record.partition, offset=record.offset))
            else:
                position = (-asked.created_at_ms, job_id)
                now = replace(kept, owner=asked.owner, position=position, asked=record.value, number=asked.number)
                self._put(job_id, now)

    def _apply_job(self, record: Record, job_id: str) -> None:
        job = _read(record, decode_job, job_id)
        with self._changed:
            kept = self._kept.get(job_id, NOTHING)
            if job is None:
                self._put(job_id, replace(kept, job=record.value, heard=0, hidden=True))
            else:
                refused = job.state is State.REFUSED
                now = replace(kept, job=record.value, heard=job.heard, ended=job.ended, refused=refused, hidden=False)
                self._put(job_id, now)

    def _put(self, job_id: str, now: Kept) -> None:
        was = self._kept.pop(job_id, NOTHING)
        if now.asked is not None or now.job is not None:
            self._kept[job_id] = now
        self._lists.move(job_id, was, now)
        self._changed.notify_all()

    def _at(self, positions: Iterable[Position]) -> list[tuple[str, Kept]]:
        return [(job_id, self._kept[job_id]) for _, job_id in positions]

    def _remember_lost(self, place: Place) -> None:
        self._lost[place] = None
        if len(self._lost) > _REMEMBERED:
            self._lost.popitem(last=False)


def _read(record: Record, decode: Callable[[bytes, str], T], job_id: str) -> T | None:
    """What a record says; None where it deletes, and where it cannot be read."""
    if record.value is None:
        return None
    try:
        return decoded(record, decode, record.value, job_id)
    except RecordCorrupt as error:
        _log.error("not a job", partition=record.partition, offset=record.offset, error=str(error))
        return None


def _known(job_id: str, kept: Kept) -> AskedJob | None:
    if kept.asked is None or kept.job is None or kept.hidden:
        return None
    return AskedJob(asked=decode_asked(kept.asked, job_id), job=decode_job(kept.job, job_id))


def _all(kept: Iterable[tuple[str, Kept]]) -> list[AskedJob]:
    found = (_known(job_id, each) for job_id, each in kept)
    return [each for each in found if each is not None]


def _oldest_first(kept: Iterable[tuple[str, Kept]]) -> list[tuple[str, Kept]]:
    return sorted(kept, key=lambda each: (-each[1].position[0], each[0]))
