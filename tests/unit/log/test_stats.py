"""Statistics: what counts where, what is kept for how long, and how small it is."""

import msgspec.msgpack
import pytest
from msgspec.structs import replace

from consumer.delivery.answer import OURS
from consumer.log.health import Sent
from consumer.log.stats import DAY_MS, HOUR_MS, Bucket, Period, Stats, buckets, counts, total

DAY = 20_000 * DAY_MS  # a midnight of 2024, UTC


def sent(at_ms: int, *, status: int | None = 200, took_ms: float = 10.0, logged_ms: int | None = None) -> Sent:
    return Sent(
        at_ms=at_ms,
        logged_ms=at_ms if logged_ms is None else logged_ms,
        url="https://example.com/",
        status=status,
        failure=None if status else "timeout",
        elapsed_ms=took_ms,
        outcome="delivered" if status == 200 else "retry",
    )


def of(*attempts: Sent) -> Stats:
    stats = Stats()
    for each in attempts:
        stats.count(each)
    return stats


def hours(*attempts: Sent, now_ms: int) -> dict[int, Bucket]:
    """Those that are not empty."""
    found = buckets([of(*attempts)], Period.DAY, now_ms)
    return {each.start_ms: each for each in found if each.delivered or each.failed}


def test_an_hour_tells_how_many_were_accepted_and_failed_and_how_long_answers_took() -> None:
    found = hours(
        sent(DAY + 1, took_ms=20.4),
        sent(DAY + 2, status=500, took_ms=100.0),
        sent(DAY + HOUR_MS - 1, status=None, took_ms=30_000.0),  # says how long we waited
        now_ms=DAY,
    )
    assert found == {
        DAY: Bucket(start_ms=DAY, delivered=1, failed=2, answers=2, answers_ms=120, worst_ms=100),
    }
    assert found[DAY].mean_ms == 60.0


def test_where_nothing_was_answered_there_is_no_mean() -> None:
    assert hours(sent(DAY, status=None), now_ms=DAY)[DAY].mean_ms is None


@pytest.mark.parametrize(
    "other", [replace(sent(0), trigger="test"), *(replace(sent(0, status=None), failure=kind) for kind in OURS)]
)
def test_a_test_and_a_failure_of_ours_do_not_count(other: Sent) -> None:
    assert not counts(other)
    assert counts(replace(sent(0), trigger="resend"))


def test_all_steps_of_a_period_are_told_the_oldest_first() -> None:
    now_ms = DAY + 5 * HOUR_MS + 17
    by_hour = buckets([], Period.DAY, now_ms)
    assert [each.start_ms for each in by_hour] == [DAY + hour * HOUR_MS for hour in range(-18, 6)]
    by_day = buckets([], Period.MONTH, now_ms)
    assert [each.start_ms for each in by_day] == [DAY + day * DAY_MS for day in range(-29, 1)]


def test_a_late_attempt_counts_in_its_own_hour_while_that_is_kept() -> None:
    now_ms = DAY + 23 * HOUR_MS
    late, too_late = sent(DAY), sent(DAY - 1)
    stats = of(sent(now_ms), late, too_late)
    found = buckets([stats], Period.DAY, now_ms)
    assert [each.delivered for each in found] == [1, *[0] * 22, 1]
    assert Stats.checked(stats.packed()) == stats
    assert [each.delivered for each in buckets([stats], Period.MONTH, now_ms)[-2:]] == [1, 2]


def test_a_clock_that_is_ahead_moves_nothing_into_the_future() -> None:
    ahead = sent(DAY + 400 * DAY_MS, logged_ms=DAY + 5)
    assert set(hours(sent(DAY), ahead, sent(DAY + 1), now_ms=DAY)) == {DAY}
    assert hours(sent(DAY), ahead, sent(DAY + 1), now_ms=DAY)[DAY].delivered == 3


def test_what_left_the_period_is_not_told() -> None:
    stats = of(sent(DAY, took_ms=9_000.0))
    assert total(buckets([stats], Period.DAY, DAY + 24 * HOUR_MS)) == Bucket(start_ms=DAY + HOUR_MS)
    assert total(buckets([stats], Period.MONTH, DAY + 29 * DAY_MS)).worst_ms == 9_000


def test_partitions_add_up() -> None:
    one, other = of(sent(DAY, took_ms=70.0)), of(sent(DAY, took_ms=30.0), sent(DAY, status=500, took_ms=5.0))
    assert total(buckets([one, other], Period.DAY, DAY)) == Bucket(
        start_ms=DAY - 23 * HOUR_MS, delivered=2, failed=1, answers=3, answers_ms=105, worst_ms=70
    )


def test_a_webhook_with_traffic_in_few_hours_takes_400_bytes_at_most() -> None:
    daily = [sent(DAY + day * DAY_MS + minute * 60_000, took_ms=230.0) for day in range(30) for minute in range(200)]
    assert len(of(*daily).packed()) <= 400
    assert len(of(sent(DAY)).packed()) <= 40


SOUND = ([5, 0b11, 1, 0, 0, 9, 9, 5, 1, 1, 0, 0, 9, 9], msgspec.msgpack.encode([1, 0, 0, 9, 9]), b"\x90")


def test_what_is_sound_is_taken() -> None:
    stats = Stats.checked(msgspec.msgpack.encode(SOUND))
    assert [step for step, _ in stats.hours.steps()] == [5, 4]


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"{}",
        msgspec.msgpack.encode(([], b"\x90", b"\x90")),
        msgspec.msgpack.encode(([5, 0b111, *SOUND[0][2:]], *SOUND[1:])),  # a five is missing
        msgspec.msgpack.encode(([5, 1 << 24 | 1, *SOUND[0][2:]], *SOUND[1:])),  # more hours than there are
        msgspec.msgpack.encode(([5, 0b11, -1, *SOUND[0][3:]], *SOUND[1:])),
        msgspec.msgpack.encode(([-5, *SOUND[0][1:]], *SOUND[1:])),
        msgspec.msgpack.encode((SOUND[0], b"odd", b"\x90")),
        msgspec.msgpack.encode((SOUND[0], SOUND[1], b"\x91\xa1a")),
    ],
)
def test_what_is_none_is_refused(odd: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # MessagePack's own is one too
        Stats.checked(odd)
