from rich.pretty import pretty_repr

from consumer.delivery.answer import Failure, FailureKind
from consumer.signing.request import Request
from tests.deliveries import job, response


def test_a_failure_shows_what_people_are_told_and_not_what_an_engine_met() -> None:
    failure = Failure(kind=FailureKind.BUG, detail="OddError", elapsed_ms=1.5, error=ValueError("Bearer hidden"))
    assert "hidden" not in repr(failure) + pretty_repr(failure)
    assert "'OddError', elapsed_ms=1.5, timing=Timing(" in repr(failure)


def test_a_job_shows_neither_what_is_sent_nor_what_was_answered() -> None:
    under_way = job()
    under_way.request = Request(url="https://x", headers=(("x", "hidden"),), body=b"hidden", timeout_ms=1)
    under_way.answer = response(200, ("x", "hidden"))
    assert "hidden" not in repr(under_way) + pretty_repr(under_way)
    assert repr(under_way).startswith("Job(delivery=Delivery(")
