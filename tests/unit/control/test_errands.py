"""What is kept of requests with an Idempotency-Key, and for how many."""

from dataclasses import replace

from consumer.control.errands import MOST, Errand, Errands, encode, record_key
from consumer.control.work import Work
from consumer.events.event import Record


def test_what_a_work_draws_is_the_same_in_every_try_and_another_for_each_draw() -> None:
    work = Work(name="w", seed=b"s" * 32)
    first, second = work.entropy(), work.entropy()
    drawn = [first(32), first(32), first(12)]
    assert drawn == [second(32), second(32), second(12)]
    assert len({each[:12] for each in drawn}) == 3
    assert Work(name="w", seed=b"t" * 32).entropy()(32) != drawn[0]


def errand(at_ms: int, claimant: str = "a") -> Errand:
    return Errand(work="w", claimant=claimant, fingerprint=b"f", at_ms=at_ms)


def record(name: str, of: Errand, offset: int = 0) -> Record:
    return Record(
        topic="state",
        partition=0,
        offset=offset,
        key=record_key(name),
        value=encode(of),
        headers=(),
        timestamp_ms=0,
    )


def test_memory_has_a_bound_and_what_falls_out_is_swept() -> None:
    kept = Errands(most=3, of_a_tenant=2)
    for number in range(5):
        kept.apply(record(f"n{number}", errand(number)))
    assert kept.find("n0", 5) is None
    assert kept.find("n4", 5) == errand(4)
    assert kept.outdated(5) == ["n0", "n1", "n2"]
    assert MOST >= 10_000


def test_a_tenant_with_many_keys_pushes_out_his_own_and_nobody_elses() -> None:
    kept = Errands(most=10, of_a_tenant=4)
    kept.apply(record("theirs", replace(errand(0), tenant="other")))
    for number in range(1, 100):
        kept.apply(record(f"n{number}", replace(errand(number), tenant="greedy")))
    assert kept.find("theirs", 100) is not None
    assert [kept.find(f"n{number}", 100) is not None for number in (95, 96, 99)] == [False, True, True]
    kept.forget()
    kept.apply(record("anew", errand(1)))
    assert kept.find("anew", 2) is not None


def test_beyond_the_whole_the_oldest_goes() -> None:
    kept = Errands(most=3, of_a_tenant=2)
    for number in range(4):
        kept.apply(record(f"n{number}", replace(errand(number), tenant=f"t{number}")))
    assert [kept.find(f"n{number}", 5) is not None for number in range(4)] == [False, True, True, True]


def test_a_foreign_record_is_passed_over() -> None:
    kept = Errands()
    kept.apply(
        Record(topic="state", partition=0, offset=0, key=record_key("n"), value=b"x", headers=(), timestamp_ms=0)
    )
    assert kept.find("n", 0) is None
