"""The latest attempt of each delivery: by its place, and an attempt at once only when it was accepted."""

from msgspec.structs import replace

from consumer.jobs.latest import Latest
from consumer.kafka.attempt_decoding import Head, decode_head
from consumer.kafka.records import encode_attempt
from tests.attempts import plain


def head(outcome: str, at_ms: int, trigger: str = "event") -> Head:
    return decode_head(
        encode_attempt(replace(plain, delivery_id="0a" * 16, outcome=outcome, at_ms=at_ms, trigger=trigger))
    )


def wanted(*attempts: Head) -> list[tuple[int, int]]:
    latest = Latest(10)
    for offset, each in enumerate(attempts):
        latest.take(each, partition=0, offset=offset, wanted=True)
    return [*latest.wanted(())]


def test_the_later_one_of_a_partition_is_the_latest() -> None:
    assert wanted(head("retry", 9), head("dead", 1)) == [(0, 1)]


def test_an_attempt_at_once_that_was_not_accepted_is_none() -> None:
    assert wanted(head("retry", 1), head("dead", 2, "resend")) == [(0, 0)]
    assert wanted(head("retry", 1), head("delivered", 2, "resend")) == [(0, 1)]
