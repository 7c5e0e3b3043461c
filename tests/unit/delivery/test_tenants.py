"""The views of tenants and the work that waits for them: what an answer may be used for, who is asked for, and when."""

import pytest

from consumer.delivery import asking
from consumer.delivery.tenants import PATIENCE_MS, Freshness, Loading, Room, Tenants
from consumer.webhooks.reader import Loaded, Many, Unavailable, Unchanged
from tests.deliveries import NOW_MS, subscription, target_of
from tests.operations import operations

STALENESS_MS = 1_000
FRESHNESS = Freshness(staleness_ms=STALENESS_MS, memory_for_ms=60_000)
AWAY = Unavailable(reason="the projection has not filled this part of the cache yet")
NOBODY = Unavailable(reason="Redis is away", away=True)
OWN = Unavailable(reason="one of its webhooks cannot be decoded", own=True)


def loaded(tenant: str = "acme", *, size: int = 1_000) -> Loaded:
    return Loaded(version="1", subscriptions=(subscription(tenant=tenant),), size=size)


def tenants_of(*, records: int = 1_000, waiting_bytes: int = 1_000_000, view_bytes: int = 10_000_000) -> Tenants[str]:
    return Tenants(FRESHNESS, target_of, Room(records=records, waiting_bytes=waiting_bytes, view_bytes=view_bytes))


class Bench:
    """Tenants whose work is its own name."""

    def __init__(self, tenants: Tenants[str] | None = None) -> None:
        self.tenants = tenants or tenants_of()
        self.now_ms = NOW_MS

    def come(self, tenant: str, work: str = "work", size: int = 10) -> bool:
        """Whether it goes on at once."""
        if self.tenants.look(tenant, self.now_ms) is not None:
            return True
        self.tenants.park(tenant, work, size, self.now_ms)
        return False

    def asked(self, after_ms: int = 0) -> list[str]:
        self.now_ms += after_ms
        return list(self.tenants.wanted(self.now_ms)[0])

    def asked_alone(self) -> list[str]:
        return list(self.tenants.wanted(self.now_ms)[1])

    def answer(self, tenant: str, loading: Loading, after_ms: int = 0) -> list[str]:
        """What goes on."""
        self.now_ms += after_ms
        return [work for work, _ in self.tenants.loaded(tenant, loading, self.now_ms)]


# ── what an answer may be used for ───────────────────────────────────────────────────────────────────────────────────


def test_what_waited_before_the_question_uses_its_answer_whatever_its_age() -> None:
    bench = Bench()
    bench.come("acme", "early")
    assert bench.asked() == ["acme"]
    assert bench.answer("acme", loaded(), after_ms=60 * STALENESS_MS) == ["early"]
    assert bench.asked() == []


def test_what_came_after_the_question_uses_its_answer_only_within_the_bound() -> None:
    bench = Bench()
    bench.come("acme", "early")
    bench.asked()
    bench.now_ms += STALENESS_MS
    bench.come("acme", "in time")
    bench.now_ms += 1
    bench.come("acme", "late")
    assert bench.answer("acme", loaded()) == ["early", "in time"]
    assert bench.tenants.waiting == 1
    assert bench.asked() == ["acme"]
    assert bench.answer("acme", Unchanged(), after_ms=10 * STALENESS_MS) == ["late"]
    assert (bench.tenants.waiting, bench.tenants.waiting_bytes) == (0, 0)


def test_the_view_that_is_given_is_the_newest_there_is() -> None:
    bench = Bench()
    bench.come("acme")
    bench.asked()
    [(_, given)] = bench.tenants.loaded("acme", loaded(), bench.now_ms)
    assert bench.tenants.newest("acme", given, bench.now_ms) is given
    bench.come("acme", "again")
    bench.now_ms += 2 * STALENESS_MS
    bench.come("acme", "again")
    bench.asked()
    bench.answer("acme", loaded())
    newest = bench.tenants.newest("acme", given, bench.now_ms)
    assert newest is bench.tenants.view("acme")
    assert newest is not given


# ── who is asked for ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tenant_is_asked_for_once_at_a_time_however_much_waits() -> None:
    bench = Bench()
    for _ in range(100):
        bench.come("acme")
    assert bench.asked() == ["acme"]
    bench.come("acme")
    assert bench.asked() == []


def test_no_more_are_under_way_than_are_answered_soon_and_the_rest_waits_in_order() -> None:
    bench = Bench(tenants_of(records=100_000))
    names = [f"t{number}" for number in range(5_000)]
    for name in names:
        bench.come(name)
    told = bench.asked()
    assert told == names[: len(told)]
    assert asking.LEAST <= len(told) <= asking.MOST
    assert bench.asked() == []
    order = list(told)
    while told:
        for name in told:
            assert bench.answer(name, loaded(name)) == ["work"]
        told = bench.asked(after_ms=5)
        assert len(told) <= asking.MOST
        order += told
    assert order == names


@pytest.mark.parametrize(("answered_after_ms", "most"), [(1, asking.MOST), (STALENESS_MS, asking.LEAST)])
def test_how_many_follows_how_soon_the_cache_answers(answered_after_ms: int, most: int) -> None:
    bench = Bench(tenants_of(records=100_000))
    for number in range(20_000):
        bench.come(f"t{number}")
    told = bench.asked()
    for _ in range(20):
        bench.now_ms += answered_after_ms
        for name in told:
            bench.answer(name, loaded(name))
        told = bench.asked()
    assert len(told) == most


def test_tenants_with_waiting_work_come_before_views_that_are_to_be_renewed() -> None:
    bench = Bench()
    bench.come("hot")
    bench.asked()
    bench.answer("hot", loaded("hot"))
    assert bench.come("hot")
    bench.now_ms += STALENESS_MS * 3 // 4
    assert bench.come("hot")
    assert not bench.come("new")
    assert bench.asked() == ["new", "hot"]


def test_a_view_that_nobody_uses_is_not_renewed() -> None:
    bench = Bench()
    bench.come("acme")
    bench.asked()
    bench.answer("acme", loaded())
    assert bench.come("acme", "used")
    bench.now_ms += STALENESS_MS * 3 // 4
    assert bench.come("acme", "used again: the next one may come soon")
    assert bench.asked(after_ms=STALENESS_MS + 1) == []  # it did not, and there was no room to ask before
    assert len(bench.tenants._asking) == 0
    assert not bench.come("acme")
    assert bench.asked() == ["acme"]


def test_a_view_that_is_used_is_renewed_before_it_is_too_old() -> None:
    bench = Bench()
    bench.come("acme")
    bench.asked()
    bench.answer("acme", loaded())
    for _ in range(50):
        bench.now_ms += 100
        assert bench.come("acme")
        for name in bench.asked():
            bench.answer(name, Unchanged())


# ── an answer that is none ───────────────────────────────────────────────────────────────────────────────────────────


def test_while_the_cache_cannot_answer_a_view_in_memory_will_do_and_without_one_work_waits() -> None:
    bench = Bench()
    bench.come("known")
    bench.asked()
    bench.answer("known", loaded("known"))
    bench.now_ms += 2 * STALENESS_MS
    bench.come("known", "one")
    bench.come("other", "two")
    assert bench.asked() == ["known", "other"]
    assert bench.answer("known", AWAY) == ["one"]
    assert bench.answer("other", AWAY) == []
    assert bench.come("known")
    assert bench.tenants.wake_ms() == bench.now_ms + 100
    assert bench.asked(after_ms=99) == []
    assert bench.asked(after_ms=1) == ["other", "known"]
    bench.answer("other", loaded("other"))
    bench.answer("known", AWAY)
    bench.now_ms += FRESHNESS.memory_for_ms
    assert not bench.come("known")


def with_an_old_view() -> Bench:
    """Of `acme`, twenty seconds old; `other` was asked for a moment ago."""
    bench = Bench()
    bench.come("acme")
    bench.asked()
    bench.answer("acme", loaded())
    bench.now_ms += 20_000
    bench.come("other")
    bench.asked()
    bench.answer("other", loaded("other"))
    return bench


@pytest.mark.parametrize("none", [AWAY, NOBODY, OWN])
def test_a_moment_without_the_cache_brings_no_view_back_that_was_not_in_use(none: Unavailable) -> None:
    bench = with_an_old_view()
    bench.come("acme", "one")
    while bench.now_ms < NOW_MS + 20_000 + PATIENCE_MS - 1_000:
        for name in bench.asked(after_ms=100):
            assert bench.answer(name, none) == []
        assert not bench.tenants.look("acme", bench.now_ms)
    assert bench.asked(after_ms=1_000) == ["acme"]
    [(work, known)] = bench.tenants.loaded("acme", Loaded(version="2", subscriptions=()), bench.now_ms)
    assert (work, known.version) == ("one", "2")


@pytest.mark.parametrize("none", [AWAY, NOBODY, OWN])
def test_it_is_used_when_the_cache_has_not_answered_for_a_while(none: Unavailable) -> None:
    bench = with_an_old_view()
    bench.come("acme", "one")
    gone_on: list[str] = []
    while bench.now_ms <= NOW_MS + 20_000 + PATIENCE_MS + 1_000:
        for name in bench.asked(after_ms=100):
            gone_on += bench.answer(name, none)
    assert gone_on == ["one"]
    assert bench.tenants.look("acme", bench.now_ms)


def test_then_a_tenant_that_comes_later_does_not_wait_as_long() -> None:
    bench = with_an_old_view()
    for _ in range(PATIENCE_MS // 500 + 4):
        bench.come("other")
        for name in bench.asked(after_ms=500):
            bench.answer(name, AWAY)
    assert not bench.come("acme", "one")
    assert "acme" in bench.asked()
    assert bench.answer("acme", AWAY) == ["one"]


def test_what_was_not_answered_long_ago_tells_nothing_of_now() -> None:
    bench = with_an_old_view()
    bench.now_ms += 2 * STALENESS_MS
    bench.come("other")
    bench.asked()
    bench.answer("other", AWAY)
    bench.now_ms += 2 * PATIENCE_MS
    bench.come("acme", "one")
    assert "acme" in bench.asked()
    assert bench.answer("acme", AWAY) == []


def test_while_nobody_answers_all_that_waits_for_older_views_goes_on_with_one_answer() -> None:
    bench = Bench()
    names = [f"t{number}" for number in range(40)]
    for name in names:
        bench.come(name)
    for name in bench.asked():
        bench.answer(name, loaded(name))
    bench.now_ms += 20_000
    for name in names:
        assert not bench.come(name, f"of {name}")
    gone_on: list[list[str]] = []
    while bench.now_ms <= NOW_MS + 20_000 + PATIENCE_MS + 1_500:
        gone_on += [freed for name in bench.asked(after_ms=100) if (freed := bench.answer(name, NOBODY))]
    assert [sorted(each) for each in gone_on] == [sorted(f"of {name}" for name in names)]
    assert bench.tenants.waiting == 0


# ── tenants that hold up nobody but themselves ───────────────────────────────────────────────────────────────────────


def test_that_nobody_answers_is_found_once_for_all_tenants_and_its_end_by_one_question_at_a_time() -> None:
    bench = Bench()
    names = [f"t{number}" for number in range(300)]
    for name in names:
        bench.come(name)
    while asked := bench.asked():
        for name in asked:
            bench.answer(name, loaded(name))
    bench.now_ms += 2 * STALENESS_MS
    for name in [*names, "unknown"]:
        assert not bench.come(name, f"of {name}")
    first, *others = bench.asked()
    gone_on = bench.answer(first, NOBODY)
    assert sorted(gone_on) == sorted(f"of {name}" for name in names)
    assert all(bench.answer(name, NOBODY) == [] for name in others)
    questions = 0
    for _ in range(1_000):  # ten seconds
        assert all(bench.come(name) for name in names[:30])
        for name in bench.asked(after_ms=10):
            questions += 1
            assert bench.answer(name, NOBODY) == []
    assert 9 <= questions <= 12
    [finder] = next(asked for _ in range(200) if (asked := bench.asked(after_ms=10)))
    freed = bench.answer(finder, loaded(finder))
    for _ in range(200):
        for name in names[:30]:
            bench.come(name, "later")
        for name in bench.asked(after_ms=10):
            freed += bench.answer(name, loaded(name))
    assert "of unknown" in freed


def test_a_tenant_with_many_webhooks_is_read_alone_and_takes_no_place_of_the_others() -> None:
    bench = Bench()
    for number in range(300):
        bench.come(f"large{number}")
    while told := bench.asked():
        for name in told:
            assert bench.answer(name, Many()) == []
    bench.come("small")
    assert bench.asked() == ["small"]
    assert bench.answer("large0", loaded("large0"), after_ms=30_000) == ["work"]
    assert bench.asked_alone() == ["large1"]


def test_of_a_tenant_that_is_read_alone_a_share_waits_and_the_rest_is_put_off() -> None:
    bench = Bench(tenants_of(records=40))
    for number in range(30):
        bench.come("large", f"{number}")
    bench.asked()
    assert bench.answer("large", Many()) == []
    assert list(bench.tenants.surplus("large")) == [f"{number}" for number in range(29, 9, -1)]
    assert bench.tenants.has_its_share("large")
    assert bench.tenants.room == 30
    assert bench.asked_alone() == ["large"]
    assert len(bench.answer("large", loaded("large"), after_ms=9_000)) == 10
    assert not bench.tenants.has_its_share("large")


def test_of_all_tenants_in_doubt_together_half_waits() -> None:
    bench = Bench(tenants_of(records=40, waiting_bytes=4_000))
    for number in range(8):
        for _ in range(5):
            bench.come(f"bad{number}")
    for name in bench.asked():
        bench.answer(name, OWN)
        list(bench.tenants.surplus(name))
    assert bench.tenants.waiting == 20
    assert all(bench.tenants.has_its_share(f"bad{number}") for number in range(8))
    assert not bench.tenants.has_its_share("good")


def test_what_is_given_up_costs_nothing_for_the_tenants_that_merely_wait() -> None:
    def cost(waiting: int) -> int:
        bench = Bench(tenants_of(records=100_000))
        bench.come("bad")
        bench.asked()
        bench.answer("bad", OWN)
        for number in range(waiting):
            bench.come(f"t{number}")
        return operations(lambda: bench.tenants.give_up(lambda _: True))

    assert cost(10) == cost(1_000)


def test_a_tenant_in_doubt_that_nobody_needs_any_more_is_forgotten() -> None:
    bench = Bench()
    bench.come("bad")
    bench.asked()
    bench.answer("bad", OWN)
    assert bench.tenants.give_up(lambda _: True) == ["work"]
    assert bench.asked(after_ms=2_000) == []
    assert (len(bench.tenants._asking), bench.tenants._apart_of) == (0, {})


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_is_bounded_in_bytes_too() -> None:
    bench = Bench(tenants_of(waiting_bytes=1_000))
    bench.come("a", size=600)
    assert bench.tenants.room == 999
    bench.come("b", size=600)
    assert bench.tenants.room == 0
    bench.asked()
    bench.answer("a", loaded("a"))
    assert bench.tenants.room == 999
    bench.tenants.drop_waiting(lambda _: False)
    assert (bench.tenants.waiting, bench.tenants.waiting_bytes) == (0, 0)


def test_views_weigh_no_more_than_they_may_and_those_in_use_stay() -> None:
    bench = Bench(tenants_of(view_bytes=10_000))
    for number in range(100):
        bench.come(f"t{number}")
        if number:
            bench.now_ms += 2 * STALENESS_MS
            bench.come("t0")
        for name in bench.asked():
            bench.answer(name, Unchanged() if bench.tenants.view(name) else loaded(name))
    assert bench.tenants._views.bytes == 10_000
    assert bench.tenants.view("t0") is not None
    assert bench.tenants.view("t1") is None
    bench.come("huge")
    bench.asked()
    assert bench.answer("huge", loaded("huge", size=1_000_000)) == ["work"]
    assert len(bench.tenants._views) == 1


# ── what a turn costs ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_turn_costs_nothing_for_tenants_that_wait_for_their_turn_or_for_an_answer() -> None:
    def cost(waiting: int) -> int:
        bench = Bench(tenants_of(records=100_000))
        for number in range(waiting):
            bench.come(f"t{number}")
        bench.asked()
        return operations(lambda: (bench.tenants.wanted(bench.now_ms), bench.tenants.wake_ms(), bench.tenants.asking))

    assert cost(2_000) == cost(20_000)
