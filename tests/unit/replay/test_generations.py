from dataclasses import replace

from msgspec import structs

from consumer.kafka.records import Replay
from consumer.kafka.replayed import replay_record
from consumer.replay.generations import Generations
from consumer.settings import Settings
from tests.jobs import taken

SETTINGS = Settings(topic_prefix="")


def replay(generation: int, by: str | None = None) -> Replay:
    return Replay(delivery_id="d", generation=generation, at_ms=1, job_id=by)


def read(generations: Generations, *replays: Replay) -> None:
    for each in replays:
        generations.apply(taken(replay_record(SETTINGS, each)))


def test_the_last_generation_and_who_made_it() -> None:
    generations = Generations()
    read(generations, replay(1), replay(2, "job_1"))
    assert (dict(generations.of), dict(generations.senders)) == ({"d": 2}, {"d": "job_1"})
    read(generations, replay(3))
    assert (dict(generations.of), dict(generations.senders)) == ({"d": 3}, {})


def test_what_was_written_is_never_below_what_is_read_back() -> None:
    generations = Generations()
    generations.written([replay(3, "job_2")])
    read(generations, replay(1, "job_1"), replay(2, "job_1"))
    assert (generations.of["d"], generations.senders["d"]) == (3, "job_2")


def test_other_records_are_passed_over_and_a_deletion_counts_from_nothing() -> None:
    generations = Generations()
    read(generations, replay(1, "job_1"))
    record = taken(replay_record(SETTINGS, replay(1)))
    generations.apply(structs.replace(record, key=b"job:d"))
    assert generations.of == {"d": 1}
    generations.apply(structs.replace(record, value=None))
    assert (dict(generations.of), dict(generations.senders)) == ({}, {})


def test_what_was_written_since_is_not_deleted_by_an_older_word() -> None:
    generations = Generations()
    deletion = structs.replace(taken(replay_record(SETTINGS, replay(1))), value=None)
    generations.written([replace(replay(1), at_ms=deletion.timestamp_ms)])
    generations.apply(deletion)
    assert generations.of == {"d": 1}


def test_the_chains_that_were_replayed_before_a_time_are_told_and_dropped() -> None:
    generations = Generations()
    generations.written([replay(2, "job_1"), Replay(delivery_id="later", generation=1, at_ms=5)])
    generations.apply(structs.replace(taken(replay_record(SETTINGS, replay(1))), key=b"replay:broken", value=b"?"))
    assert generations.outlived(1) == []
    assert generations.outlived(5) == ["d"]
    generations.drop(["d"])
    assert ({*generations.of}, dict(generations.senders)) == ({"later", "broken"}, {})


def test_a_chain_whose_record_cannot_be_read_is_replayed_no_more() -> None:
    generations = Generations()
    record = taken(replay_record(SETTINGS, replay(1)))
    generations.apply(structs.replace(record, value=b"?"))
    assert generations.of["d"] > 1_000_000


def test_another_topic_is_another_count() -> None:
    generations = Generations()
    read(generations, replay(1, "job_1"))
    generations.forget()
    assert (dict(generations.of), dict(generations.senders)) == ({}, {})
