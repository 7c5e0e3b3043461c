import pytest

from consumer.delivery.answer import UNTIMED, Answer, Failure, FailureKind, Response, Timing
from consumer.delivery.tally import DELIVERED, HANDED_OVER, RETRIED, Tally, code_of


def answered(status: int, timing: Timing = UNTIMED) -> Response:
    return Response(status=status, headers=(), body=b"", body_truncated=False, elapsed_ms=40, timing=timing)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (answered(204), "2xx"),
        (answered(301), "3xx"),
        (answered(404), "4xx"),
        (answered(410), "410"),
        (answered(429), "429"),
        (answered(599), "5xx"),
        (answered(999), "protocol"),
        (Failure(kind=FailureKind.CONNECT, detail="", elapsed_ms=1), "refused"),
        (Failure(kind=FailureKind.DNS, detail="", elapsed_ms=1), "dns"),
        (Failure(kind=FailureKind.UNSIGNABLE, detail="", elapsed_ms=1), "ours"),
        (Failure(kind=FailureKind.BUG, detail="", elapsed_ms=1), "ours"),
    ],
)
def test_an_answer_has_one_of_a_few_words(answer: Answer, code: str) -> None:
    assert code_of(answer) == code


def test_connections_are_told_where_the_engine_tells() -> None:
    tally = Tally()
    tally.attempted(DELIVERED, answered(200, Timing(first_byte_ms=3.0)))
    tally.attempted(RETRIED, answered(404, Timing(first_byte_ms=3.0)))
    tally.attempted(RETRIED, answered(500, Timing(connect_ms=2.0, first_byte_ms=3.0)))
    tally.attempted(DELIVERED, answered(200))

    assert (tally.reused, tally.connected) == (2, 1)


def test_what_is_handed_over_has_no_duration_yet() -> None:
    tally = Tally()
    tally.attempted(HANDED_OVER, Failure(kind=FailureKind.UNANSWERED, detail="", elapsed_ms=2_000))

    assert tally.attempts == {(HANDED_OVER, "ours"): 1}
    assert not any(sum(each.counts) for each in tally.durations.values())
