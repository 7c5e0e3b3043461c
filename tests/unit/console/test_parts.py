"""What the console makes of what it is told, and how it asks: looks, stillness, the worst, pace, lag."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence

import pytest

from consumer.console.groups import PARTITIONS_MOST, TOPICS_MOST, lag_view, waiting_view
from consumer.console.look import EVERY_S, WITHIN_S, Away, Look
from consumer.console.sessions import WRONG_MOST, Guesses
from consumer.console.stuck import STILL_S, Stillness
from consumer.console.supervised import Supervised, Told, pace_of
from consumer.console.worst import FOR_S, MOST, WorstEndpoints
from consumer.kafka.client import KafkaBroken
from consumer.kafka.lag import Behind
from consumer.log.health import NO_HEALTH, Health
from consumer.settings import Settings
from consumer.telemetry.admin_client import AdminSilent
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.subscription import PayloadFormat, SealedSecret, SigningProfile, Subscription


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def behind(committed: int, end: int, *, topic: str = "orders", partition: int = 0, told: str = "") -> Behind:
    return Behind(group="hookline.events", topic=topic, partition=partition, committed=committed, told=told, end=end)


# ── looks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_who_look_at_once_ask_once() -> None:
    clock, asked, go_on = Clock(), [], threading.Event()

    def ask() -> int:
        asked.append(1)
        assert go_on.wait(5)
        return len(asked)

    async def main() -> None:
        look = Look("test", ask, monotonic_s=clock)
        waiting = [asyncio.ensure_future(look.told()) for _ in range(20)]
        await asyncio.sleep(0)
        go_on.set()
        assert await asyncio.gather(*waiting) == [1] * 20
        clock.now_s += EVERY_S - 0.1
        assert await look.told() == 1
        clock.now_s += 0.2
        assert await look.told() == 2

    asyncio.run(main())


def test_what_does_not_come_back_is_away_and_not_asked_again_beside_itself() -> None:
    clock, asked, go_on = Clock(), [], threading.Event()

    def ask() -> str:
        asked.append(1)
        assert go_on.wait(5)
        return "late"

    async def main() -> None:
        look = Look("test", ask, monotonic_s=clock)
        clock.now_s += 1
        first = asyncio.ensure_future(look.told())
        await asyncio.sleep(0.01)
        clock.now_s += WITHIN_S + EVERY_S
        assert await look.told() == Away(why="there was no answer within 2 s")
        assert len(asked) == 1
        go_on.set()
        assert await first == "late"

    asyncio.run(main())


@pytest.mark.parametrize("error", [KafkaBroken("no"), CacheUnavailable("no"), AdminSilent("no")])
def test_what_is_broken_is_away(error: Exception) -> None:
    def ask() -> None:
        raise error

    assert asyncio.run(Look("test", ask).told()) == Away(why="no")


def test_a_bug_is_one() -> None:
    def ask() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(Look("test", ask).told())


def test_a_client_that_leaves_ends_nobody_elses_question() -> None:
    go_on = threading.Event()

    def ask() -> str:
        assert go_on.wait(5)
        return "told"

    async def main() -> None:
        look = Look("test", ask)
        leaves, stays = asyncio.ensure_future(look.told()), asyncio.ensure_future(look.told())
        await asyncio.sleep(0.01)
        leaves.cancel()
        await asyncio.sleep(0.01)
        go_on.set()
        assert await stays == "told"

    asyncio.run(main())


# ── stillness ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_partition_is_stuck_that_committed_nothing_between_two_looks_a_minute_apart() -> None:
    still = Stillness(apart=["hookline.retry.5s"])
    late = [behind(7, 9), behind(7, 9, topic="hookline.retry.5s"), behind(9, 9, partition=1)]
    assert still.looked(late, 100.0).stuck == ()
    assert still.looked(late, 100.0 + STILL_S - 1).stuck == ()
    [stuck] = still.looked([behind(7, 12), *late[1:]], 100.0 + STILL_S).stuck
    assert (stuck.behind.topic, stuck.behind.lag, stuck.still_s) == ("orders", 5, STILL_S)


@pytest.mark.parametrize("moved", [behind(8, 9), behind(7, 9, told="another map"), behind(9, 9)])
def test_one_that_committed_anything_or_was_done_is_not(moved: Behind) -> None:
    still = Stillness(apart=[])
    still.looked([behind(7, 9)], 0.0)
    still.looked([moved], 30.0)
    found = still.looked([behind(7, 9)], STILL_S)
    assert (found.stuck, found.watched_s) == ((), STILL_S)


# ── the worst ────────────────────────────────────────────────────────────────────────────────────────────────────────


def subscription(id_: str) -> Subscription:
    return Subscription(
        id=id_,
        tenant="acme",
        brand="hookline",
        url="https://example.com/hook",
        secret=SealedSecret(key_id="k", sealed=b"sealed"),
        signing=SigningProfile.STANDARD,
        payload_format=PayloadFormat.STANDARD,
        created_at_ms=1,
        updated_at_ms=1,
    )


def endpoints(
    ids: list[str], healths: Callable[[Sequence[str]], Mapping[str, Health]], clock: Clock | None = None
) -> WorstEndpoints:
    return WorstEndpoints(ids=lambda: ids, find=subscription, healths=healths, monotonic_s=clock or Clock())


def test_a_look_goes_on_where_the_last_one_ended() -> None:
    ids, clock = [f"wh_{number}" for number in range(1_200)], Clock()
    parts: list[int] = []

    def healths(part: Sequence[str]) -> Mapping[str, Health]:
        parts.append(len(part))
        clock.now_s += FOR_S
        return {id_: Health(errors_since_last_success=int(id_[3:])) for id_ in part}

    worst = endpoints(ids, healths, clock)
    assert (found := worst.look()).looked == 500
    assert found.failing == 497
    assert [worst.look().looked, worst.look().looked, worst.look().looked] == [1_000, 1_200, 1_200]
    assert parts == [500, 500, 200, 500]
    found = worst.look()
    assert [each.subscription.id for each in found.rows] == [f"wh_{1_199 - number}" for number in range(MOST)]
    del ids[1_100:]
    assert worst.look().rows[0].subscription.id == "wh_1099"


def test_one_that_recovered_is_not_among_them() -> None:
    known = {"wh_1": Health(errors_since_last_success=3), "wh_2": NO_HEALTH}
    worst = endpoints(list(known), lambda _: known)
    assert [each.subscription.id for each in worst.look().rows] == ["wh_1"]
    known["wh_1"] = Health(errors_since_last_success=0)
    assert worst.look().rows == ()


def test_without_health_nobody_is_said_to_be_well() -> None:
    with pytest.raises(CacheUnavailable):
        endpoints(["wh_1"], lambda _: {}).look()
    assert endpoints([], lambda _: {}).look().there == 0


# ── this machine ─────────────────────────────────────────────────────────────────────────────────────────────────────


def told(events: float, delivered: float, retry: float) -> Told:
    return Told(
        version="1",
        processes=[],
        topics=[],
        attempts={"delivered": delivered, "retry": retry},
        events={"matched": events},
        troubles=[],
    )


def test_pace_is_what_was_done_in_between() -> None:
    pace = pace_of(told(10, 10, 0), told(30, 25, 5), 10.0)
    assert pace is not None
    assert (pace.events, pace.attempts, pace.accepted) == (2.0, 2.0, 0.75)
    idle = pace_of(told(1, 1, 1), told(1, 1, 1), 10.0)
    assert idle is not None
    assert idle.accepted is None
    assert pace_of(told(30, 25, 5), told(2, 1, 0), 10.0) is None, "a process began anew"


def test_a_supervisor_of_another_release_or_none_is_silent() -> None:
    for listen, body in (("", b""), ("127.0.0.1:0", b""), ("127.0.0.1:9", b"{}"), ("127.0.0.1:9", b"<html>")):
        supervised = Supervised(listen, within_s=1.0, ask=lambda *_, body=body, **__: body)
        with pytest.raises(AdminSilent):
            supervised.read()


# ── lag ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

SETTINGS = Settings(retry_delays=("5s", "5m"))


def test_a_topics_partitions_that_are_behind_most_stand_first() -> None:
    late = [behind(0, number, partition=number) for number in range(20)]
    [row] = lag_view([*late, behind(0, 3, topic="hookline.retry.5s")], {"orders": 3.2}, SETTINGS).rows
    assert (row.group, row.topic, row.lag, row.oldest) == ("events", "orders", sum(range(20)), "3 s")
    assert [each.partition for each in row.partitions] == list(range(19, 19 - PARTITIONS_MOST, -1))
    assert row.more == 19 - PARTITIONS_MOST


def test_many_topics_make_no_long_page() -> None:
    view = lag_view([behind(0, number, topic=f"t{number}") for number in range(100)], {}, SETTINGS)
    assert (len(view.rows), view.more, view.rows[0].topic) == (TOPICS_MOST, 100 - TOPICS_MOST, "t99")


def test_a_retry_is_overdue_a_minute_after_it_was_due() -> None:
    late = [behind(0, 7, topic="hookline.retry.5m"), behind(0, 2, topic="hookline.retry.5m", partition=1)]
    ages_s = {"hookline.retry.5s": 64.0, "hookline.retry.5m": 361.0}
    spill, short, long = waiting_view(late, ages_s, SETTINGS)
    assert (spill.delay, spill.records, spill.overdue) == ("0s", 0, None)
    assert (short.delay, short.overdue) == ("5s", False)
    assert (long.delay, long.records, long.oldest, long.overdue) == ("5m", 9, "6 min", True)


# ── wrong keys ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_wrong_keys_are_counted_by_the_minute() -> None:
    guesses = Guesses()
    for number in range(WRONG_MOST):
        assert guesses.wait_s(100.0 + number) == 0
        guesses.wrong(100.0 + number)
    assert guesses.wait_s(110.0) == 50
    assert guesses.wait_s(159.5) == 1
    assert guesses.wait_s(160.0) == 0
    guesses.wrong(160.0)
    assert guesses.wait_s(160.0) == 1, "the second one is still of the last minute"
