"""Jobs as records on the jobs topic: what was asked under `job-asked:<id>`, what became of it under `job:<id>`.

The law: what was encoded is decoded equal, and whatever else is found under such a key is refused.

Avro's maps have texts for keys. So what is told by (topic, partition) is an array, and one that tells of a partition
twice is none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from consumer.control.keys import Entropy
from consumer.control.owner import Owner
from consumer.jobs.job import (
    Asked,
    Chosen,
    Counts,
    Job,
    Kind,
    Matching,
    Missed,
    Reason,
    Sampled,
    Spot,
    State,
    Subject,
    Wish,
)
from consumer.kafka.writing import NewRecord
from consumer.replay.plan import Place
from consumer.schemas import avro_history
from consumer.wire import RecordCorrupt, WireFormat

_Row: TypeAlias = dict[str, Any]  # as Avro writes and reads it

_ASKED: Final = b"job-asked:"
_JOB: Final = b"job:"
_ID_BYTES: Final = 14
JOB_ASKED: Final = WireFormat(avro_history("JobAsked"))
JOB: Final = WireFormat(avro_history("Job"))


def asked_id(work_name: str | None, random: Entropy) -> str:
    """An id for a job: `job_` and 28 hex digits.

    Drawn, and not to be guessed; or that of the `Work` of this name, which asks for one job however often it is tried.
    """
    return f"job_{random(_ID_BYTES).hex() if work_name is None else work_name}"


def asked_of(record_key: bytes | None) -> str | None:
    """The job's id, where the record says what was asked for; None for the other kinds of the jobs topic."""
    return _id(record_key, _ASKED)


def job_of(record_key: bytes | None) -> str | None:
    """The job's id, where the record says what became of it; None for the other kinds of the jobs topic."""
    return _id(record_key, _JOB)


def asked_record(topic: str, asked: Asked) -> NewRecord:
    """What was asked for, for the jobs topic."""
    return NewRecord(topic=topic, key=_ASKED + asked.id.encode(), value=encode_asked(asked))


def job_record(topic: str, job: Job) -> NewRecord:
    """What became of it, for the jobs topic."""
    return NewRecord(topic=topic, key=_JOB + job.id.encode(), value=encode_job(job))


def forgotten(topic: str, job_id: str) -> tuple[NewRecord, NewRecord]:
    """What deletes a job from the jobs topic, to be written in one transaction.

    With the second alone, the job that was asked for would be one that never began.
    """
    return (
        NewRecord(topic=topic, key=_ASKED + job_id.encode(), value=None),
        NewRecord(topic=topic, key=_JOB + job_id.encode(), value=None),
    )


def encode_asked(asked: Asked) -> bytes:
    """The value of the record under `job-asked:<id>`."""
    return JOB_ASKED.encode(
        {
            "id": asked.id,
            "tenant": asked.owner.tenant,
            "brand": asked.owner.brand,
            "webhook": asked.webhook,
            "kind": asked.kind,
            **_subject_row(asked.subject),
            "again": asked.again,
            "rate_per_s": asked.rate_per_s,
            "most": asked.most,
            "place": asked.place,
            "created_by": asked.created_by,
            "created_at_ms": asked.created_at_ms,
            "wish": asked.wish,
            "number": asked.number,
        }
    )


def decode_asked(value: bytes, job_id: str) -> Asked:
    """Read the value of the record under `job-asked:<job_id>`.

    Raises:
        RecordCorrupt: it is not this encoding, says a word that is not known, or belongs to another id.
    """
    row = JOB_ASKED.decode(value)
    _check_id(row, job_id)
    try:
        return Asked(
            id=row["id"],
            owner=Owner(tenant=row["tenant"], brand=row["brand"]),
            webhook=row["webhook"],
            kind=Kind(row["kind"]),
            subject=_subject(row),
            again=row["again"],
            rate_per_s=row["rate_per_s"],
            most=row["most"],
            place=Place(row["place"]),
            created_by=row["created_by"],
            created_at_ms=row["created_at_ms"],
            wish=Wish(row["wish"]),
            number=row["number"],
        )
    except ValueError as error:
        raise RecordCorrupt(str(error)) from None


def encode_job(job: Job) -> bytes:
    """The value of the record under `job:<id>`."""
    return JOB.encode(
        {
            "id": job.id,
            "state": job.state,
            "heard": job.heard,
            "reason": job.reason,
            "detail": job.detail,
            "other": job.other,
            "counted": None if job.counted is None else _counts_row(job.counted),
            "counts": _counts_row(job.counts),
            "ends": _places_rows(job.ends),
            "begins": _places_rows(job.begins),
            "position": _places_rows(job.position),
            "reached_ms": job.reached_ms,
            "sample": [
                {
                    "event_id": each.event_id,
                    "event_type": each.event_type,
                    "at_ms": each.at_ms,
                    "delivery": each.delivery,
                }
                for each in job.sample
            ],
            "made": job.made,
            "attempts": job.attempts,
            "started_at_ms": job.started_at_ms,
            "finished_at_ms": job.finished_at_ms,
        }
    )


def decode_job(value: bytes, job_id: str) -> Job:
    """Read the value of the record under `job:<job_id>`.

    Raises:
        RecordCorrupt: it is not this encoding, says a word that is not known, or belongs to another id.
    """
    row = JOB.decode(value)
    _check_id(row, job_id)
    try:
        return Job(
            id=row["id"],
            state=State(row["state"]),
            heard=row["heard"],
            reason=None if row["reason"] is None else Reason(row["reason"]),
            detail=row["detail"],
            other=row["other"],
            counted=None if row["counted"] is None else Counts(**row["counted"]),
            counts=Counts(**row["counts"]),
            begins=_places(row["begins"]),
            ends=_places(row["ends"]),
            position=_places(row["position"]),
            reached_ms=row["reached_ms"],
            sample=tuple(Sampled(**each) for each in row["sample"]),
            made=tuple(row["made"]),
            attempts=row["attempts"],
            started_at_ms=row["started_at_ms"],
            finished_at_ms=row["finished_at_ms"],
        )
    except ValueError as error:
        raise RecordCorrupt(str(error)) from None


def _id(record_key: bytes | None, kind: bytes) -> str | None:
    if record_key is None or not record_key.startswith(kind):
        return None
    return record_key.removeprefix(kind).decode("utf-8", "replace")


def _check_id(row: _Row, job_id: str) -> None:
    if row["id"] != job_id:
        raise RecordCorrupt("its key is not its id")


def _subject_row(subject: Subject) -> _Row:
    match subject:
        case Chosen():
            return {"chosen": {"spots": [spot._asdict() for spot in subject.spots]}}
        case Matching():
            return {
                "matching": {
                    "statuses": sorted(subject.statuses),
                    "codes": sorted(subject.codes),
                    "reasons": sorted(subject.reasons),
                    "types": subject.types,
                    "since_ms": subject.since_ms,
                    "until_ms": subject.until_ms,
                }
            }
        case Missed():
            return {"missed": {"since_ms": subject.since_ms, "until_ms": subject.until_ms, "types": subject.types}}


def _subject(row: _Row) -> Subject:
    match row:
        case {"chosen": dict(chosen), "matching": None, "missed": None}:
            return Chosen(spots=tuple(Spot(**each) for each in chosen["spots"]))
        case {"chosen": None, "matching": dict(matching), "missed": None}:
            sets = {name: frozenset(matching[name]) for name in ("statuses", "codes", "reasons")}
            return Matching(**matching | sets | {"types": tuple(matching["types"])})
        case {"chosen": None, "matching": None, "missed": dict(missed)}:
            return Missed(**missed | {"types": tuple(missed["types"])})
    raise RecordCorrupt("it says not one thing to send, but none or several")


def _counts_row(counts: Counts) -> _Row:
    return {
        "looked": counts.looked,
        "matched": counts.matched,
        "sent": counts.sent,
        "raced": counts.raced,
        "skipped": counts.skipped,
        "types": counts.types,
    }


def _places_rows(places: Mapping[tuple[str, int], int]) -> Sequence[_Row]:
    return [{"topic": topic, "partition": partition, "offset": offset} for (topic, partition), offset in places.items()]


def _places(rows: Sequence[_Row]) -> dict[tuple[str, int], int]:
    places = {(row["topic"], row["partition"]): row["offset"] for row in rows}
    if len(places) < len(rows):
        raise RecordCorrupt("it tells of a partition twice")
    return places
