"""The directory of jobs against the plainest fold there is: whatever is written, in whatever order of partitions."""

from dataclasses import dataclass, field
from typing import Final

import structlog
from hypothesis import given
from hypothesis import strategies as st

from consumer.control.owner import Owner
from consumer.events.event import Record
from consumer.jobs.conduct import AskedJob
from consumer.jobs.directory import Jobs
from consumer.jobs.job import Asked, Job, State, Wish
from consumer.jobs.record import asked_record, forgotten, job_record
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from tests.jobs import NOW_MS, asked, taken

OWNERS: Final = (
    Owner(tenant="acme", brand="hookline"),
    Owner(tenant="acme", brand="convo"),
    Owner(tenant="umbrella", brand="hookline"),
)
STATES: Final = (State.RUNNING, State.DONE, State.REFUSED)
IDS: Final = tuple(f"job_{number}" for number in range(4))


def owner_of(job_id: str) -> Owner:
    return OWNERS[int(job_id[-1]) % len(OWNERS)]


def asked_of(job_id: str, number: int, wish: Wish) -> Asked:
    # Two are of one owner, and two pairs of one moment.
    return asked(number, wish, id=job_id, owner=owner_of(job_id), created_at_ms=NOW_MS + int(job_id[-1]) % 2)


def asked_for(job_id: str, number: int, wish: Wish) -> NewRecord:
    return asked_record("state", asked_of(job_id, number, wish))


def corrupt(new: NewRecord) -> NewRecord:
    return NewRecord(topic=new.topic, key=new.key, value=b"odd")


ids = st.sampled_from(IDS)
asking = st.builds(asked_for, ids, st.integers(1, 4), st.sampled_from(Wish))
becoming = st.builds(
    lambda job_id, state, heard: job_record("state", Job(id=job_id, state=state, heard=heard)),
    ids,
    st.sampled_from(STATES),
    st.integers(0, 4),
)
deleting = st.builds(lambda job_id, which: forgotten("state", job_id)[which], ids, st.integers(0, 1))
new_records = st.lists(
    asking | becoming | becoming | deleting | (asking | becoming).map(corrupt), min_size=20, max_size=60
)


# What each value says, by the key that it is under; what is in none says nothing.
WANTED: Final = {
    new.value: (number, wish)
    for job_id in IDS
    for number in range(1, 5)
    for wish in Wish
    for new in [asked_for(job_id, number, wish)]
}
BECAME: Final = {
    job_record("state", job).value: job
    for job_id in IDS
    for state in STATES
    for heard in range(5)
    for job in [Job(id=job_id, state=state, heard=heard)]
}


@dataclass(slots=True)
class Plain:
    """The two records of one job. `deleted`: the second was, while the first was there."""

    asked: Asked | None = None
    value: bytes | None = None
    deleted: bool = False
    lost: list[Place] = field(default_factory=list)

    @property
    def job(self) -> Job | None:
        return BECAME.get(self.value)

    @property
    def shown(self) -> bool:
        return self.asked is not None and not self.deleted and (self.value is None or self.job is not None)


def plainly(records: list[Record], job_id: str) -> Plain:
    plain = Plain()
    for record in records:
        kind, _, name = (record.key or b"").decode().partition(":")
        if name != job_id:
            continue
        if kind == "job":
            plain.value = record.value
            plain.deleted = record.value is None and plain.asked is not None
        elif record.value not in WANTED:
            plain.asked = None
            plain.deleted = False
        elif plain.asked is not None and WANTED[record.value][0] <= plain.asked.number:
            plain.lost.append(Place(partition=record.partition, offset=record.offset))
        else:
            plain.asked = asked_of(job_id, *WANTED[record.value])
    return plain


@given(new_records)
def test_what_is_found_is_what_the_records_say(new: list[NewRecord]) -> None:
    directory = Jobs()
    records = [taken(each, offset=offset) for offset, each in enumerate(new)]
    with structlog.testing.capture_logs():
        for record in records:
            directory.apply(record)
    known: list[AskedJob] = []
    for job_id in IDS:
        plain = plainly(records, job_id)
        assert directory.get(job_id) == ((plain.asked, plain.job) if plain.shown else None)
        if plain.asked is not None and plain.job is not None:
            known.append(AskedJob(asked=plain.asked, job=plain.job))
        assert all(not directory.held(place) for place in plain.lost)
    _check_lists(directory, known)


def _check_lists(directory: Jobs, known: list[AskedJob]) -> None:
    """The lists are what looking at every job gives."""
    oldest_first = sorted(known, key=lambda each: (each.asked.created_at_ms, each.asked.id))
    newest_first = sorted(known, key=lambda each: (-each.asked.created_at_ms, each.asked.id))
    listed = [each for each in newest_first if each.job.state is not State.REFUSED]
    assert [*directory.all()] == oldest_first
    assert directory.unfinished() == [each for each in oldest_first if not each.job.ended]
    for tenant in ("acme", "umbrella", "nobody"):
        mine = [each for each in oldest_first if each.asked.owner.tenant == tenant and not each.job.ended]
        assert directory.unfinished(tenant) == mine
    for owner in OWNERS:
        mine = [each for each in listed if each.asked.owner == owner]
        paged: list[AskedJob] = []
        after = None
        while True:
            page, after = directory.page(owner, after=after, limit=1)
            paged += page
            if after is None:
                break
        assert paged == mine
    unheard = [found for found in map(directory.get, IDS) if found is not None and _waits(*found)]
    assert directory.unheard() == sorted(unheard, key=lambda each: (each[0].created_at_ms, each[0].id))


def _waits(asked: Asked, job: Job | None) -> bool:
    return job is None or job.heard < asked.number


@given(new_records)
def test_a_topic_made_anew_leaves_nothing(new: list[NewRecord]) -> None:
    directory = Jobs()
    with structlog.testing.capture_logs():
        for offset, each in enumerate(new):
            directory.apply(taken(each, offset=offset))
    directory.forget()
    _check_lists(directory, [])
    directory.apply(taken(asked_for(IDS[0], 1, Wish.RUN)))
    assert directory.get(IDS[0]) is not None
    assert directory.held(Place(partition=0, offset=0))
