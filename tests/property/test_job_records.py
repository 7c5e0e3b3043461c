"""A job's records on the state topic are read back equal; anything else is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.jobs import record
from consumer.jobs.job import Asked, Chosen, Job, Spot, State
from consumer.wire import RecordCorrupt, WireFormat
from tests import jobs
from tests.jobs import asked

DECODERS: list[tuple[bytes, Callable[[bytes, str], object]]] = [
    (record.encode_asked(asked()), record.decode_asked),
    (record.encode_job(Job(id="job_1", state=State.DONE, heard=1)), record.decode_job),
]


@given(jobs.askeds)
def test_what_was_asked_comes_back_equal(asked: Asked) -> None:
    new = record.asked_record("state", asked)
    assert new.value is not None
    assert record.decode_asked(new.value, asked.id) == asked
    assert (new.topic, record.asked_of(new.key), record.job_of(new.key)) == ("state", asked.id, None)


@given(jobs.jobs)
def test_what_became_of_it_comes_back_equal(job: Job) -> None:
    new = record.job_record("state", job)
    assert new.value is not None
    assert record.decode_job(new.value, job.id) == job
    assert (new.topic, record.job_of(new.key), record.asked_of(new.key)) == ("state", job.id, None)


def test_a_thousand_chosen_ones_are_one_record_that_every_topic_takes() -> None:
    most = asked(subject=Chosen(spots=tuple(Spot("x" * 249, 2**31 - 1, 2**63 - 1 - each) for each in range(1_000))))
    assert len(record.encode_asked(most)) < 300_000
    assert record.decode_asked(record.encode_asked(most), most.id) == most


@pytest.mark.parametrize(("value", "decode"), DECODERS)
@given(data=st.data())
def test_what_is_cut_changed_or_continued_is_refused_or_read_but_never_anything_else(
    value: bytes, decode: Callable[[bytes, str], object], data: st.DataObject
) -> None:
    at, byte = data.draw(st.integers(0, len(value) - 1)), data.draw(st.integers(0, 255))
    for odd in (value[:at], value[:at] + bytes((byte,)) + value[at + 1 :], value[:10] + data.draw(st.binary())):
        try:
            decode(odd, "job_1")
        except RecordCorrupt:
            continue
        assert odd[:10] == value[:10]
    for wrong in (value[:at], value + b"\0", b""):
        with pytest.raises(RecordCorrupt):
            decode(wrong, "job_1")


@pytest.mark.parametrize(("value", "decode"), DECODERS)
def test_a_record_under_another_ones_key_is_refused(value: bytes, decode: Callable[[bytes, str], object]) -> None:
    with pytest.raises(RecordCorrupt, match="its key is not its id"):
        decode(value, "job_2")


def test_one_kind_is_not_read_as_the_other() -> None:
    [(asked_value, decode_asked), (job_value, decode_job)] = DECODERS
    for decode, value in ((decode_asked, job_value), (decode_job, asked_value)):
        with pytest.raises(RecordCorrupt, match="no schema of this record"):
            decode(value, "job_1")


def _changed(wire: WireFormat, value: bytes, **fields: object) -> bytes:
    row: dict[str, Any] = wire.decode(value)
    return wire.encode(row | fields)


MISSED = {"since_ms": 1, "until_ms": 2, "types": []}
SPOT = {"topic": "t", "partition": 0, "offset": 9}
ODD = [
    *[(0, {name: "odd"}) for name in ("kind", "place", "wish")],
    (0, {"matching": None}),
    (0, {"missed": MISSED}),
    (1, {"state": "odd"}),
    (1, {"reason": "odd"}),
    (1, {"begins": [SPOT, SPOT]}),
    (1, {"ends": [SPOT, SPOT]}),
    (1, {"position": [SPOT, SPOT | {"offset": 8}]}),
]


@pytest.mark.parametrize(("which", "fields"), ODD)
def test_a_word_that_is_not_known_and_two_meanings_are_refused(which: int, fields: dict[str, Any]) -> None:
    value, decode = DECODERS[which]
    wire = (record.JOB_ASKED, record.JOB)[which]
    decode(_changed(wire, value), "job_1")
    with pytest.raises(RecordCorrupt):
        decode(_changed(wire, value, **fields), "job_1")


@pytest.mark.parametrize("key", [None, b"", b"job", b"key:job_1", b"errand:1", b"replay:1"])
def test_the_records_of_others_are_passed_over(key: bytes | None) -> None:
    assert record.asked_of(key) is None
    assert record.job_of(key) is None


def test_what_deletes_a_job_deletes_what_was_asked_for_first() -> None:
    gone = record.forgotten("state", "job_1")
    assert [(new.topic, new.value) for new in gone] == [("state", None)] * 2
    assert [record.asked_of(new.key) for new in gone] == ["job_1", None]
    assert [record.job_of(new.key) for new in gone] == [None, "job_1"]


def test_a_job_is_named_by_its_request_or_drawn() -> None:
    drawn = record.asked_id(None, lambda size: bytes(range(size)))
    assert drawn == "job_000102030405060708090a0b0c0d"
    work = "01a0c3f2d800b4e1f0a99c3d77e2"
    assert record.asked_id(work, bytes) == f"job_{work}"
