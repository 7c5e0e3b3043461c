from rich.pretty import pretty_repr

from consumer.delivery.answer import Failure, FailureKind


def test_a_failure_shows_what_people_are_told_and_not_what_an_engine_met() -> None:
    failure = Failure(kind=FailureKind.BUG, detail="OddError", elapsed_ms=1.5, error=ValueError("Bearer hidden"))
    assert "hidden" not in repr(failure) + pretty_repr(failure)
    assert "'OddError', elapsed_ms=1.5, timing=Timing(" in repr(failure)
