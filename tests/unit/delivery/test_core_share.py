"""A tenant that alone cannot be read has a share of what waits; the rest goes on, as what it is, until it can be."""

import pytest
from msgspec.structs import replace

from consumer.delivery.core import Core
from consumer.delivery.delivery import Chunk, Delivery, delivery_id
from consumer.delivery.hold import Delayed
from consumer.delivery.intake import Content
from consumer.delivery.offsets import Position
from consumer.delivery.step import Delay, Reject, Step, Write
from consumer.events.event import Event
from consumer.events.reasons import PoisonReason
from consumer.webhooks.reader import Loaded, Many, Unavailable
from tests.deliveries import NOW_MS, crowd, delivery, event, record_at, response, rules, subscription, target_of

WAITING = 20
SHARE = 5
OWN = Unavailable(reason="one of its webhooks cannot be decoded", own=True)
AWAY = Unavailable(reason="Redis is away")


class Bench:
    """A core of one partition; `bad` is in doubt, `good` has one webhook."""

    def __init__(self, topic: str = "events", *, webhooks: int = 1) -> None:
        self.place = (topic, 0)
        self.contents: list[Content] = []
        made = rules(waiting=WAITING)
        self.core = Core(made, decode=lambda record: self.contents[record.offset], target=target_of)
        self.core.assigned({self.place: Position(0)})
        self.now_ms = NOW_MS
        self.doubt: Unavailable | None = OWN
        self.webhooks = {
            tenant: tuple(subscription(f"{tenant}_{number}", tenant=tenant) for number in range(webhooks))
            for tenant in ("bad", "good")
        }

    def consume(self, *contents: Content) -> None:
        first = len(self.contents)
        self.contents += contents
        self.core.records(
            self.now_ms,
            [record_at(self.place, offset, self.now_ms) for offset in range(first, len(self.contents))],
        )

    def turn(self, after_ms: int = 0) -> Step:
        """What is asked for, the cache's answers included."""
        self.now_ms += after_ms
        step = self.core.next(self.now_ms, self.now_ms)
        for tenant in step.load:
            doubt = self.doubt if tenant == "bad" else None
            self.core.loaded(self.now_ms, tenant, doubt or Loaded(version="1", subscriptions=self.webhooks[tenant]))
        further = self.core.next(self.now_ms, self.now_ms)
        step.send += further.send
        step.write += further.write
        return step

    def events(self, number: int, tenant: str = "bad") -> list[Event]:
        first = len(self.contents)
        return [event(f"e{n}", tenant=tenant, offset=n) for n in range(first, first + number)]

    def in_doubt(self) -> None:
        """The first event of `bad` has been asked for in vain."""
        self.consume(*self.events(1))
        self.turn()

    @property
    def position(self) -> int:
        return self.core.positions()[self.place].offset


def delayed(write: Write) -> tuple[int, Delayed]:
    assert isinstance(write, Delay)
    return write.tier, write.delayed


def test_what_one_tenant_cannot_read_stops_nobody_else() -> None:
    bench = Bench()
    bench.in_doubt()
    bench.consume(*bench.events(WAITING * 3))
    put_off = bench.turn().write
    assert len(put_off) == WAITING * 3 - (SHARE - 1)
    assert bench.core.room >= WAITING - SHARE
    bench.consume(*bench.events(1, "good"))
    assert len(bench.turn().send) == 1


def test_what_waits_for_a_tenant_with_many_webhooks_while_they_are_read_stops_nobody_else() -> None:
    """A load under way is nobody's doubt: more events than may wait came meanwhile, and all stood still."""
    bench = Bench()
    bench.consume(*bench.events(WAITING))
    assert bench.core.next(bench.now_ms, bench.now_ms).load == {"bad": None}
    assert bench.core.room == 0
    bench.core.loaded(bench.now_ms, "bad", Many())
    alone = bench.core.next(bench.now_ms, bench.now_ms)
    assert (alone.load, alone.load_alone, len(alone.write)) == ({}, {"bad": None}, WAITING - SHARE)
    bench.consume(*bench.events(WAITING * 3))
    assert len(bench.turn(after_ms=5_000).write) == WAITING * 3
    assert bench.core.room >= WAITING - SHARE
    bench.consume(*bench.events(1, "good"))
    assert len(bench.turn().send) == 1
    bench.core.loaded(bench.now_ms, "bad", Loaded(version="1", subscriptions=bench.webhooks["bad"]))
    assert len(bench.turn().send) == SHARE, "what waited is served by the view that came"


def test_what_goes_on_is_an_event_to_be_matched_and_its_record_ends_when_kafka_has_it() -> None:
    bench = Bench()
    bench.in_doubt()
    bench.consume(*bench.events(SHARE))
    [(token, write)] = bench.turn().write
    last = event(f"e{SHARE}", tenant="bad", offset=SHARE)
    assert delayed(write) == (0, Chunk(event=last, subscription_ids=(), first_due_ms=bench.now_ms))
    assert bench.position == 0
    bench.core.acknowledged(token)
    bench.doubt = None
    sent = bench.turn(after_ms=200).send
    assert len(sent) == SHARE
    for request, _ in sent:
        bench.core.answered(bench.now_ms, request, response())
    assert bench.position == SHARE + 1


def test_where_the_cache_as_a_whole_cannot_be_read_everything_waits() -> None:
    bench = Bench()
    bench.in_doubt()
    bench.doubt = AWAY
    bench.turn(after_ms=200)
    bench.consume(*bench.events(WAITING - 1))
    assert bench.turn().write == []
    assert bench.core.room == 0


def test_a_tenant_that_is_asked_for_the_first_time_waits() -> None:
    bench = Bench()
    bench.consume(*bench.events(WAITING))
    assert bench.core.next(bench.now_ms, bench.now_ms).write == []
    bench.doubt = None
    assert bench.turn().write == []


def test_what_comes_back_is_matched_then_and_its_time_begins_then() -> None:
    bench = Bench("retry.0s")
    bench.doubt = None
    put_off = event("late", tenant="bad")
    bench.now_ms += 3 * 3_600_000
    bench.consume(Chunk(event=put_off, subscription_ids=(), first_due_ms=NOW_MS))
    [(token, _)] = bench.turn().send
    job = bench.core.sent_for(token)
    assert job is not None
    assert job.delivery.id == delivery_id(put_off, "bad_0")
    assert (job.delivery.first_due_ms, job.delivery.tier) == (bench.now_ms, 0)
    bench.core.answered(bench.now_ms, token, response())
    assert bench.position == 1


@pytest.mark.parametrize(("tier", "next_tier"), [(0, 1), (1, 2), (3, 3)])
def test_what_comes_back_too_early_goes_up_whatever_it_is(tier: int, next_tier: int) -> None:
    bench = Bench("retry")
    of = event("late", tenant="bad")
    unmatched = Chunk(event=of, subscription_ids=(), first_due_ms=NOW_MS, tier=tier)
    chunk = Chunk(event=of, subscription_ids=("bad_0",), first_due_ms=NOW_MS, tier=tier)
    again = replace(delivery(of, "bad_0", tier=tier), climbed=tier)
    waits = [Chunk(event=event(f"w{n}", tenant="bad"), subscription_ids=(), first_due_ms=NOW_MS) for n in range(SHARE)]
    bench.consume(*waits)
    bench.turn()
    bench.turn()
    bench.consume(unmatched, chunk, again)
    due_ms = 2 * rules().schedule.delays_ms[tier]
    written = [delayed(write) for _, write in [*bench.turn(after_ms=due_ms).write, *bench.turn().write]]
    assert [each for each, _ in written] == [next_tier] * 3
    assert unmatched in [what for _, what in written]
    assert chunk in [what for _, what in written]
    [moved] = [what for _, what in written if isinstance(what, Delivery)]
    assert (moved.id, moved.attempts, moved.spills) == (again.id, 0, 1)


def test_a_chunk_is_not_due_before_its_tier_is_over() -> None:
    bench = Bench("retry.1s")
    bench.doubt = None
    bench.consume(Chunk(event=event(tenant="bad"), subscription_ids=(), first_due_ms=NOW_MS, tier=1))
    assert bench.turn(after_ms=999).send == []
    assert len(bench.turn(after_ms=1).send) == 1


def test_a_large_fan_out_that_was_put_off_is_written_as_chunks_further_up() -> None:
    bench = Bench("retry.0s", webhooks=9)
    bench.doubt = None
    bench.consume(Chunk(event=event(tenant="bad"), subscription_ids=(), first_due_ms=NOW_MS))
    written = [delayed(write) for _, write in [*bench.turn().write, *bench.turn().write]]
    assert [tier for tier, _ in written] == [1]
    assert isinstance(written[0][1], Chunk)
    assert len(written[0][1].subscription_ids) == 9


def test_one_that_is_too_large_to_be_put_off_is_poison_that_names_its_place() -> None:
    bench = Bench()
    bench.in_doubt()
    bench.consume(*bench.events(SHARE))
    [(token, _)] = bench.turn().write
    bench.core.refused(bench.now_ms, token, 2_000_000)
    [(_, stub)] = bench.turn().write
    assert isinstance(stub, Reject)
    assert (stub.record.topic, stub.record.offset, stub.left_out_bytes) == ("events", SHARE, 2_000_000)
    assert stub.poison.reason is PoisonReason.TOO_LARGE


def test_a_partition_whose_map_is_nearly_full_waits_for_no_tenant_in_doubt() -> None:
    bench = Bench()
    bench.in_doubt()
    crowd(bench.core, bench.place)
    step = bench.turn()
    assert [delayed(write)[0] for _, write in step.write] == [0]
    for token, _ in step.write:
        bench.core.acknowledged(token)
    assert bench.position == 1


def test_but_it_waits_while_the_cache_as_a_whole_cannot_be_read() -> None:
    bench = Bench()
    bench.doubt = AWAY
    bench.in_doubt()
    crowd(bench.core, bench.place)
    assert bench.turn().write == []
