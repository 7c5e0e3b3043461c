"""Marks of what was sent again go a few at a time, and none that was written anew while it waited to go."""

import pytest

from consumer.jobs import forgetting
from consumer.jobs.forgetting import Forgetting, Lifetimes
from consumer.kafka.records import Replay
from consumer.kafka.replayed import forgotten_replay
from consumer.kafka.republished import Republished, forgotten_poison, republished_record
from consumer.replay.generations import Generations
from consumer.replay.republished_marks import RepublishedMarks
from consumer.settings import Settings
from tests.jobs import taken

TOPIC = "jobs"


def test_what_was_sent_again_meanwhile_keeps_its_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    generations, republished = Generations(), RepublishedMarks()

    def sends(generation: int, at_ms: int, *chains: str) -> None:
        generations.written(Replay(delivery_id=each, generation=generation, at_ms=at_ms) for each in chains)

    def writes_again(poison_id: str, times: int, at_ms: int) -> None:
        mark = Republished(poison_id=poison_id, times=times, at_ms=at_ms)
        republished.apply(taken(republished_record(Settings(), mark)))

    sends(1, 1, *"abcdef")
    writes_again("p", 1, 1)
    writes_again("q", 1, 1)
    all_of_it = Forgetting(
        generations,
        republished,
        lambda: Lifetimes(chain_ms=10, poison_ms=10),
        of_chain=lambda chain: forgotten_replay(TOPIC, chain),
        of_poison=lambda poison_id: forgotten_poison(TOPIC, poison_id),
    )

    def gone() -> list[bytes | None]:
        found = [each.key for each in all_of_it.due(100, 0.0)]
        all_of_it.written()
        return found

    assert gone() == [b"replay:a", b"replay:b"]
    sends(2, 99, "c", "d", "e")
    writes_again("p", 2, 99)
    assert gone() == [b"replay:f"]
    assert gone() == [b"poison:q"]
    assert gone() == []
    assert generations.of == {"c": 2, "d": 2, "e": 2}
