from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from consumer.delivery import done_map
from consumer.delivery.core import Core
from consumer.delivery.delivery import Attempt, Chunk, Delivery, Trigger, delivery_id, replay_id
from consumer.delivery.hold import Erased, Leader, Newer
from consumer.delivery.intake import Content
from consumer.delivery.kept_bodies import Keep, KeptBodies
from consumer.delivery.logged import Attempted
from consumer.delivery.offsets import Position
from consumer.delivery.step import Bury, Delay, Reject, Step, Suspend
from consumer.events.event import Event, Poison, Record, Tombstone
from consumer.events.redaction import paths_of
from consumer.telemetry.count import reasoned
from consumer.webhooks.reader import Loaded, Unavailable
from consumer.webhooks.subscription import Retries, Status, Subscription
from tests.deliveries import (
    NOW_MS,
    SCHEDULE,
    crowd,
    delivery,
    event,
    record_at,
    response,
    rules,
    subscription,
    target_of,
)

EVENTS = ("events", 0)
RETRY = ("retry.1s", 0)


class Bench:
    """A core with one event partition and one delay partition, driven by hand."""

    def __init__(
        self,
        *subscriptions: Subscription,
        condemned: frozenset[tuple[tuple[str, int], int]] = frozenset(),
        keep: Keep | None = None,
        behind_ms: int = 0,
    ) -> None:
        self.contents: dict[tuple[tuple[str, int], int], Content] = {}
        self.subscriptions = subscriptions or (subscription(),)
        self.suspects = ()
        self.held: list[tuple[tuple[str, int], int]] = []
        self.condemned = condemned
        freshness = replace(rules().freshness, behind_ms=behind_ms)
        told = replace(rules(), keep=keep, freshness=freshness)
        self.core = Core(told, decode=self.decode, target=target_of, mark=self)
        self.core.assigned({EVENTS: Position(0), RETRY: Position(0)})
        self.now_ms = NOW_MS

    def hold(self, partition: tuple[str, int], offset: int) -> None:
        self.held.append((partition, offset))

    def let_go(self) -> None:
        pass

    def forgive(self, place: tuple[tuple[str, int], int]) -> None:
        raise AssertionError("nobody is suspected")

    def decode(self, record: Record) -> Content:
        return self.contents[(record.topic, record.partition), record.offset]

    def consume(self, *contents: Content, partition: tuple[str, int] = EVENTS, first: int = 0) -> None:
        records = []
        for offset, content in enumerate(contents, start=first):
            self.contents[partition, offset] = content
            records.append(record_at(partition, offset, self.now_ms))
        self.core.records(self.now_ms, records)

    def next(self, *, after_ms: int = 0) -> Step:
        self.now_ms += after_ms
        step = self.core.next(self.now_ms, self.now_ms)
        if step.load:
            for tenant in step.load:
                mine = tuple(each for each in self.subscriptions if each.tenant == tenant)
                self.core.loaded(self.now_ms, tenant, Loaded(version="1", subscriptions=mine))
            further = self.core.next(self.now_ms, self.now_ms)
            step.send += further.send
            step.written += further.written
            step.attempts += further.attempts
            step.bugs += further.bugs
            step.write += further.write
            step.check += further.check
        return step

    def position(self, partition: tuple[str, int] = EVENTS) -> int:
        return self.core.positions()[partition].offset


def test_an_event_is_finished_when_its_delivery_is_accepted_and_not_before() -> None:
    bench = Bench()
    bench.consume(event())
    [(token, request)] = bench.next().send
    assert bench.position() == 0
    bench.core.answered(bench.now_ms, token, response())
    assert bench.position() == 1
    [(_, attempt)] = bench.next().attempts
    assert (attempt.outcome, attempt.request_body) == ("delivered", request.body)


def test_what_the_log_does_not_keep_is_sent_all_the_same() -> None:
    bench = Bench(keep=KeptBodies(of="all", paths=paths_of(["data.n"])).kept)
    bench.consume(event())
    [(token, request)] = bench.next().send
    assert b'{"n":1}' in request.body
    bench.core.answered(bench.now_ms, token, response(500))
    step = bench.next()
    [(_, attempt)] = step.attempts
    assert attempt.request_body == request.body.replace(b'{"n":1}', b'{"n":"[redacted]"}')
    [(_, what)] = step.write
    assert isinstance(what, Delay)
    assert isinstance(what.delayed, Delivery)
    assert what.delayed.body == request.body


def test_a_record_that_cannot_be_redacted_for_a_bug_is_written_without_contents() -> None:
    def broken(attempt: Attempt, job: Attempted) -> Attempt:
        raise ZeroDivisionError

    bench = Bench(keep=broken)
    bench.consume(event())
    [(token, _)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response())
    [(_, attempt)] = bench.next().attempts
    assert (attempt.failure, attempt.request_body, attempt.bodies) == ("bug", b"", "none")
    assert bench.position() == 1


def test_a_failed_one_is_finished_when_kafka_has_its_retry_record() -> None:
    bench = Bench()
    bench.consume(event())
    [(token, request)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response(500))
    [(write, what)] = bench.next().write
    assert isinstance(what, Delay)
    assert isinstance(what.delayed, Delivery)
    assert (what.tier, what.delayed.attempts, what.delayed.body) == (1, 1, request.body)
    assert bench.position() == 0
    bench.core.acknowledged(write)
    assert bench.position() == 1


def test_a_retry_is_never_sent_early_and_has_the_same_id_and_body() -> None:
    bench = Bench()
    bench.consume(event())
    [(token, first)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response(500))
    [(_, what)] = bench.next().write
    assert isinstance(what, Delay)
    assert isinstance(what.delayed, Delivery)
    again = delivery(what.delayed.event, tier=1, attempts=1)
    bench.consume(structs.replace(what.delayed, tier=1), partition=RETRY)
    due_ms = SCHEDULE.delays_ms[1] + SCHEDULE.jitter_ms(again.id, 1)
    assert bench.next(after_ms=due_ms - 1).send == []
    [(_, second)] = bench.next(after_ms=1).send
    assert second.body == first.body
    assert dict(second.headers)["webhook-id"] == dict(first.headers)["webhook-id"]
    assert dict(second.headers)["webhook-timestamp"] != dict(first.headers)["webhook-timestamp"]


def test_without_a_view_of_the_tenant_its_events_wait_and_the_others_go_on() -> None:
    bench = Bench(subscription("a", tenant="known"), subscription("b", tenant="unknown"))
    bench.consume(event("1", tenant="known"), event("2", tenant="unknown", offset=1))
    step = bench.core.next(bench.now_ms, bench.now_ms)
    assert step.load == {"known": None, "unknown": None}
    bench.core.loaded(bench.now_ms, "known", Loaded(version="1", subscriptions=bench.subscriptions[:1]))
    bench.core.loaded(bench.now_ms, "unknown", Unavailable(reason="away"))
    [(token, _)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response())
    assert bench.position() == 1
    [(token, _)] = bench.next(after_ms=200).send
    bench.core.answered(bench.now_ms, token, response())
    assert bench.position() == 2


def test_a_suspended_webhooks_deliveries_are_dead_letters_and_a_paused_ones_are_not() -> None:
    suspended = subscription("s", status=Status.SUSPENDED)
    bench = Bench(suspended, subscription("p", status=Status.PAUSED))
    bench.consume(event())
    [(_, what)] = bench.next().write
    assert isinstance(what, Bury)
    assert (what.dead_letter.reason, what.dead_letter.delivery.subscription_id) == ("suspended", "s")


def test_410_suspends_once_and_what_follows_is_dead_at_once() -> None:
    bench = Bench(subscription(retries=Retries.NONE))
    bench.consume(event("1"), event("2", offset=1), event("3", offset=2))
    [(one, _), (two, _), (three, _)] = bench.next().send
    for token in (one, two, three):
        bench.core.answered(bench.now_ms, token, response(410))
    writes = [what for _, what in bench.next().write]
    assert [type(what).__name__ for what in writes] == ["Suspend", "Bury", "Bury", "Bury"]
    bench.consume(event("4", offset=3), first=3)
    [(_, what)] = bench.next().write
    assert isinstance(what, Bury)
    assert what.dead_letter.reason == "suspended"


def test_a_condemned_record_is_not_touched_again() -> None:
    bench = Bench(condemned=frozenset({(EVENTS, 1)}))
    bench.consume(event("1"), event("2", offset=1), event("3", offset=2))
    assert (EVENTS, 1) not in bench.held
    step = bench.next()
    [(_, what)] = step.write
    assert isinstance(what, Reject)
    assert (what.record.offset, what.poison.reason) == (1, "deadly")
    assert len(step.send) == 2


def test_a_drain_leaves_what_was_not_begun_and_hands_over_what_is_unanswered() -> None:
    bench = Bench(subscription(max_concurrency=1))
    bench.consume(event("1"), event("2", offset=1))
    [(token, request)] = bench.next().send
    bench.core.drain(bench.now_ms, [EVENTS])
    still_under_way = not bench.core.drained
    assert still_under_way
    bench.now_ms += 3_000
    bench.core.hand_over(bench.now_ms)
    step = bench.next()
    assert step.cancel == [token]
    [(_, attempt)] = step.attempts
    assert (attempt.outcome, attempt.next_tier, attempt.failure) == ("retry", "20s", "unanswered")
    assert (attempt.number, attempt.elapsed_ms, attempt.request_body) == (1, 3_000, request.body)
    [(write, handed)] = step.write
    assert isinstance(handed, Delay)
    assert isinstance(handed.delayed, Delivery)
    # 7 s are left of its 10 s: the tier of 5 s is too short
    assert (handed.tier, handed.delayed.attempts, handed.delayed.handed_over) == (3, 1, False)
    bench.core.acknowledged(write)
    assert bench.core.drained
    assert bench.position() == 1


def test_a_drain_spills_what_waits_of_a_record_that_was_begun() -> None:
    bench = Bench(subscription("a", max_concurrency=1), subscription("b", max_concurrency=1))
    bench.consume(event("1"), event("2", offset=1))
    sent = dict(bench.next().send)
    assert len(sent) == 2
    for token in sent:
        bench.core.answered(bench.now_ms, token, response())
    [(token, _)] = bench.core.next(bench.now_ms, bench.now_ms, most=1).send
    bench.core.drain(bench.now_ms, [EVENTS])
    [(write, spilled)] = bench.next().write
    assert isinstance(spilled, Delay)
    assert isinstance(spilled.delayed, Delivery)
    assert (spilled.tier, spilled.delayed.spills, spilled.delayed.attempts) == (0, 1, 0)
    bench.core.acknowledged(write)
    bench.core.answered(bench.now_ms, token, response())
    assert bench.core.drained
    assert bench.position() == 2


def test_a_crowded_window_hands_over_what_is_old_and_a_late_success_is_marked() -> None:
    bench = Bench()
    bench.consume(event("1"))
    [(token, _)] = bench.next().send
    crowd(bench.core, EVENTS)
    assert bench.next(after_ms=1_999).write == []
    crowd(bench.core, EVENTS)
    step = bench.next(after_ms=1)
    [(write, what)] = step.write
    assert isinstance(what, Delay)
    assert isinstance(what.delayed, Delivery)
    assert what.delayed.handed_over
    assert step.cancel == []
    bench.core.acknowledged(write)
    assert bench.position() == 1
    bench.core.answered(bench.now_ms, token, response())
    assert bench.next().succeeded_late == [what.delayed.id]


@pytest.mark.parametrize(("status", "outcome"), [(200, "delivered"), (500, "retry")])
def test_what_is_handed_over_is_logged_then_and_again_with_its_answer(status: int, outcome: str) -> None:
    bench = Bench()
    bench.consume(event())
    [(token, _)] = bench.next().send
    crowd(bench.core, EVENTS)
    step = bench.next(after_ms=2_100)
    [(_, unanswered)] = step.attempts
    assert (unanswered.failure, unanswered.outcome) == ("unanswered", "retry")
    [(write, _)] = step.write
    bench.core.acknowledged(write)
    bench.core.lost([EVENTS])  # wherever its record is by then
    bench.core.answered(bench.now_ms, token, response(status))
    [(_, answered)] = bench.next().attempts
    assert (answered.status, answered.outcome, answered.failure) == (status, outcome, None)
    assert answered.next_tier == (unanswered.next_tier if outcome == "retry" else None)
    assert (answered.delivery_id, answered.number) == (unanswered.delivery_id, unanswered.number)


def test_a_retry_of_what_was_handed_over_asks_first_whether_it_succeeded() -> None:
    handed = structs.replace(delivery(attempts=1), tier=1, handed_over=True, body=b"{}")
    other = structs.replace(handed, id="f" * 32)
    bench = Bench()
    bench.consume(handed, other, partition=RETRY)
    step = bench.next(after_ms=1_200)
    assert (step.check, step.send) == ([handed.id, other.id], [])
    bench.core.checked(bench.now_ms, handed.id, succeeded=True)
    bench.core.checked(bench.now_ms, other.id, succeeded=False)
    assert len(bench.next().send) == 1
    assert bench.position(RETRY) == 1


def test_what_an_older_view_does_not_know_waits_for_a_newer_one() -> None:
    bench = Bench(subscription("old"))
    bench.consume(event())
    bench.next()  # a view of this moment
    young = structs.replace(delivery(to="young"), tier=0, first_due_ms=bench.now_ms + 50)
    bench.subscriptions = (subscription("old"), subscription("young", url="https://young.example/"))
    bench.consume(young, partition=RETRY)
    step = bench.next(after_ms=100)
    assert (step.send, step.load) == ([], {})
    assert bench.position(RETRY) == 0
    [(_, request)] = bench.next(after_ms=200).send
    assert request.url == "https://young.example/"


def test_what_a_newer_view_does_not_know_was_deleted() -> None:
    bench = Bench(subscription("old"))
    bench.consume(structs.replace(delivery(to="gone", attempts=1), tier=1, body=b"{}"), partition=RETRY)
    bench.next(after_ms=1_200)
    assert bench.position(RETRY) == 1
    assert bench.core.counted()["dropped{deleted}"] == 1


BEHIND_MS = 15_000


@pytest.mark.parametrize("known", [(), (subscription("young", status=Status.PAUSED),)], ids=["not at all", "as paused"])
def test_what_the_cache_may_not_know_yet_waits_until_it_does(known: tuple[Subscription, ...]) -> None:
    """A job knows a webhook from its topic: the delivery may be here before the projection has written the webhook."""
    bench = Bench(subscription("old"), *known, behind_ms=BEHIND_MS)
    bench.consume(structs.replace(delivery(to="young"), tier=0, first_due_ms=bench.now_ms), partition=RETRY)
    for _ in range(8):
        assert bench.next(after_ms=1_000).send == []
    bench.subscriptions = (subscription("old"), subscription("young", url="https://young.example/"))
    sent = [request.url for _ in range(3) for _, request in bench.next(after_ms=1_000).send]
    assert sent == ["https://young.example/"]
    assert bench.position(RETRY) == 0


def test_what_the_cache_must_know_by_now_was_deleted() -> None:
    bench = Bench(subscription("old"), behind_ms=BEHIND_MS)
    bench.consume(structs.replace(delivery(to="gone"), tier=0, first_due_ms=bench.now_ms), partition=RETRY)
    for _ in range(12):
        bench.next(after_ms=1_000)
        assert bench.position(RETRY) == 0
    for _ in range(6):
        bench.next(after_ms=1_000)
    assert bench.position(RETRY) == 1
    assert bench.core.counted()["dropped{deleted}"] == 1


def test_of_a_chunk_those_that_are_known_are_sent_and_the_others_looked_at_later() -> None:
    bench = Bench(subscription("old"), behind_ms=BEHIND_MS)
    chunk = Chunk(event=event(), subscription_ids=("old", "young"), first_due_ms=bench.now_ms, tier=0)
    bench.consume(event())
    bench.next(after_ms=100)  # a view of this moment
    bench.consume(chunk, partition=RETRY)
    step = bench.next(after_ms=1_200)
    assert len(step.send) == 1
    [(_, write)] = step.write
    assert write == Delay(tier=1, delayed=structs.replace(chunk, subscription_ids=("young",)))


def test_late_answers_for_a_lost_partition_have_no_effect() -> None:
    bench = Bench()
    bench.consume(event())
    [(token, _)] = bench.next().send
    bench.core.lost([EVENTS])
    bench.core.answered(bench.now_ms, token, response(500))
    step = bench.next()
    assert (step.write, step.attempts) == ([], [])
    bench.core.assigned({EVENTS: Position(0)})
    bench.consume(event("another"))  # at the same offset: the log was cut
    assert len(bench.next().send) == 1


@pytest.mark.parametrize("answered", ["before it is read again", "after it is read again"])
def test_what_was_sent_for_a_record_that_was_lost_is_not_sent_again_when_it_comes_back(answered: str) -> None:
    bench = Bench()
    bench.consume(event())
    [(token, _)] = bench.next().send
    bench.core.lost([EVENTS])
    bench.core.assigned({EVENTS: Position(0)})
    if answered == "before it is read again":
        bench.core.answered(bench.now_ms, token, response())
    bench.consume(event())
    step = bench.next()
    if answered == "after it is read again":
        assert (step.send, step.attempts) == ([], [])
        assert bench.position() == 0
        bench.core.answered(bench.now_ms, token, response())
        step = bench.next()
    assert step.send == []
    assert [attempt.outcome for _, attempt in step.attempts] == ["delivered"]
    assert bench.position() == 1


def test_what_had_ended_of_a_lost_record_is_not_sent_again_when_it_comes_back() -> None:
    bench = Bench(subscription("a", url="https://quick.example/"), subscription("b", url="https://slow.example/"))
    bench.core.assigned({EVENTS: Position(5)})
    bench.consume(event(offset=5), first=5)
    sent = bench.next().send
    assert len(sent) == 2
    [quick] = [token for token, request in sent if "quick" in request.url]
    bench.core.answered(bench.now_ms, quick, response())
    bench.core.lost([EVENTS])
    bench.core.assigned({EVENTS: Position(5)})
    bench.consume(event(offset=5), first=5)
    assert bench.next().send == []  # quick's has ended, slow's is still under way
    [slow] = [token for token, request in sent if "slow" in request.url]
    bench.core.answered(bench.now_ms, slow, response())
    assert bench.position() == 6


def test_when_a_topic_is_made_anew_its_records_are_read_and_those_under_way_still_end_well() -> None:
    bench = Bench()
    bench.consume(event("old", offset=70), first=70)
    [(token, _)] = bench.next().send
    bench.core.rewound(EVENTS)
    bench.core.answered(bench.now_ms, token, response(500))
    [(write, what)] = bench.next().write
    assert isinstance(what, Delay)
    bench.core.acknowledged(write)
    bench.consume(event("new"))
    assert bench.position() == 0
    [(token, _)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response())
    assert bench.position() == 1


def test_what_this_version_cannot_read_stays_unfinished_and_holds_up_no_other() -> None:
    bench = Bench()
    bench.consume(Newer(), delivery(tier=1, attempts=1), partition=RETRY)
    [(token, _)] = bench.next(after_ms=5_000).send
    bench.core.answered(bench.now_ms, token, response())
    step = bench.next()
    assert not step.write
    assert bench.position(RETRY) == 0
    told = done_map.decode(bench.core.positions()[RETRY].metadata, 0)
    assert told is not None
    assert (told.is_done(0), told.is_done(1)) == (False, True)
    bench.core.drain(bench.now_ms, [RETRY])
    assert bench.core.drained


def test_a_poison_record_is_finished_when_kafka_has_it() -> None:
    bench = Bench()
    bench.consume(Poison(reason="undecodable", detail=""))
    [(write, what)] = bench.next().write
    assert isinstance(what, Reject)
    assert bench.position() == 0
    bench.core.acknowledged(write)
    assert bench.position() == 1


def test_a_large_fan_out_is_written_as_chunks_and_each_is_delivered_once() -> None:
    many = [subscription(f"s{n}", url=f"https://{n}.example/") for n in range(230)]
    bench = Bench(*many)
    happened: Event = event()
    bench.consume(happened)
    writes = bench.next().write
    chunks = [what.delayed for _, what in writes if isinstance(what, Delay)]
    assert [len(getattr(chunk, "subscription_ids", ())) for chunk in chunks] == [100, 100, 30]
    for write, _ in writes:
        bench.core.acknowledged(write)
    assert bench.position() == 1
    bench.consume(*chunks, partition=RETRY)
    sent = bench.next().send
    while len(sent) < 230:
        for token, _ in sent[-32:]:
            bench.core.answered(bench.now_ms, token, response())
        sent += bench.next(after_ms=5).send
    assert len({request.url for _, request in sent}) == len(sent) == 230


def test_records_of_an_erased_tenant_are_dropped_and_hold_up_nobody() -> None:
    bench = Bench()
    waits = delivery(event("later"), tier=1, attempts=1)
    bench.consume(Erased(), waits, Erased(), partition=RETRY)
    [(token, _)] = bench.next(after_ms=60_000).send
    bench.core.answered(bench.now_ms, token, response())
    bench.next()
    assert bench.position(RETRY) == 3
    assert bench.core.counted()["dropped{erased}"] == 2


def test_what_was_counted_is_told_once() -> None:
    bench = Bench()
    bench.consume(event("a"), Tombstone(), event("b", tenant="nobodys"), Poison(reason="r", detail="d"))
    bench.next()
    counted = bench.core.counted()
    assert counted == {
        "events": 2,
        "matched": 1,
        "dropped{tombstone}": 1,
        "dropped{no_subscribers}": 1,
        "poison": 1,
    }
    assert bench.core.counted() == {}


def test_a_suspension_is_the_next_revision_and_its_time_never_runs_backwards() -> None:
    ahead = replace(subscription(), updated_at_ms=NOW_MS + 5_000, revision=3)
    bench = Bench(ahead)
    bench.consume(event())
    [(token, _)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response(410))
    [written] = [what.subscription for _, what in bench.next().write if isinstance(what, Suspend)]
    assert (written.status, written.changes, written.revision) == (Status.SUSPENDED, 3, 4)
    assert written.updated_at_ms == NOW_MS + 5_000


def test_what_could_not_be_signed_keeps_its_data_for_the_retry() -> None:
    locked = replace(subscription(), secret=replace(subscription().secret, key_id="gone"))
    bench = Bench(locked)
    bench.consume(event())
    step = bench.next()
    [(_, what)] = [*step.write, *bench.next().write]
    assert isinstance(what, Delay)
    assert isinstance(what.delayed, Delivery)
    assert (what.delayed.attempts, what.delayed.body, what.delayed.event.data) == (1, None, event().data)


def test_an_event_that_waits_for_a_slow_webhook_is_not_sent_again_to_the_others_after_a_crash() -> None:
    webhooks = [subscription(name, url=f"https://{name}.example/") for name in ("a", "b", "slow")]
    bench = Bench(*webhooks)
    bench.consume(event())
    sent = bench.next().send
    assert len(sent) == 3
    for token, request in sent:
        if "slow" not in request.url:
            bench.core.answered(bench.now_ms, token, response())
    bench.core.positions()
    told = bench.core.positions()[EVENTS]
    assert told.offset == 0

    again = Bench(*webhooks)
    again.core.assigned({EVENTS: told})
    again.consume(event())
    assert [request.url for _, request in again.next().send] == ["https://slow.example/"]
    assert again.core.counted()["dropped{repeat}"] == 2


def test_what_a_crash_wrote_twice_is_sent_once_whichever_delay_topics_it_went_to() -> None:
    bench = Bench()
    spill = ("retry.0s", 0)
    bench.core.assigned({spill: Position(0)})
    twice = delivery(event(), tier=1, attempts=0)
    bench.consume(twice, partition=RETRY)
    bench.consume(structs.replace(twice, tier=0), partition=spill)
    assert len(bench.next(after_ms=60_000).send) == 1
    assert bench.position(spill) == 1
    assert bench.core.counted()["dropped{repeat}"] == 1


def test_a_repeat_is_no_repeat_any_more_when_the_first_one_went_to_another_process() -> None:
    bench = Bench()
    spill = ("retry.0s", 0)
    bench.core.assigned({spill: Position(0)})
    twice = delivery(event(), tier=1, attempts=0)
    bench.consume(twice, partition=RETRY)
    bench.core.lost([RETRY])
    bench.consume(structs.replace(twice, tier=0), partition=spill)
    assert len(bench.next(after_ms=60_000).send) == 1


def test_a_try_that_waits_is_not_made_once_it_was_sent_again_and_accepted() -> None:
    first, second, other = (delivery(event(id_), tier=1, attempts=1) for id_ in ("one", "two", "three"))
    bench = Bench()
    bench.consume(first, second, other, partition=RETRY)
    bench.next()
    spill = ("retry.0s", 0)
    bench.core.assigned({spill: Position(0)})
    bench.core.replaced([first.id, "another process's"])
    resent = sent_again(second, generation=2)
    bench.consume(resent, partition=spill)
    [(token, _)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response())
    chain = [second.id, sent_again(second, generation=1).id]
    assert bench.next().replaced == chain
    assert len(bench.next(after_ms=60_000).send) == 1
    assert bench.core.counted()[reasoned("dropped", "succeeded_late")] == 2


@pytest.mark.parametrize(("status", "trigger"), [(500, Trigger.RESEND), (200, Trigger.RECOVER)])
def test_a_try_that_waits_is_made_when_what_was_sent_again_was_not_accepted(status: int, trigger: Trigger) -> None:
    waits = delivery(event(), tier=1, attempts=1)
    bench = Bench()
    bench.consume(waits, partition=RETRY)
    bench.next()
    spill = ("retry.0s", 0)
    bench.core.assigned({spill: Position(0)})
    bench.consume(structs.replace(sent_again(waits, generation=1), trigger=trigger), partition=spill)
    [(token, _)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response(status))
    assert bench.next().replaced == []
    assert len(bench.next(after_ms=60_000).send) == 1


def sent_again(was: Delivery, *, generation: int) -> Delivery:
    """A resend of it, with this number."""
    by = replay_id(was.id, generation)
    again = delivery_id(was.event, was.subscription_id, by)
    return structs.replace(was, id=again, replay_id=by, replays=generation, tier=0, attempts=0, trigger=Trigger.RESEND)


OTHERS_OF_ITS_ID = [{"offset": 1}, {"timestamp_ms": NOW_MS + 1}, {"source": "/shop"}, {"topic": "orders"}]


@pytest.mark.parametrize("other", OTHERS_OF_ITS_ID, ids=str)
def test_a_mark_of_one_event_says_nothing_of_another_of_the_same_id(other: dict[str, Any]) -> None:
    bench = Bench()
    one, another = (
        structs.replace(delivery(each, tier=0), handed_over=True)
        for each in (event(), structs.replace(event(), **other))
    )
    bench.consume(one, another, partition=RETRY)
    step = bench.next(after_ms=1_000)
    assert sorted(step.check) == sorted((one.id, another.id))
    bench.core.checked(bench.now_ms, one.id, succeeded=True)
    bench.core.checked(bench.now_ms, another.id, succeeded=False)
    assert len(bench.next().send) == 1
    assert bench.core.counted()[reasoned("dropped", "succeeded_late")] == 1


@pytest.mark.parametrize("other", OTHERS_OF_ITS_ID, ids=str)
def test_another_event_of_the_same_id_is_no_repeat(other: dict[str, Any]) -> None:
    bench = Bench()
    bench.consume(delivery(event(), tier=0), delivery(structs.replace(event(), **other), tier=0), partition=RETRY)
    assert len(bench.next(after_ms=1_000).send) == 2


@pytest.mark.parametrize("other", OTHERS_OF_ITS_ID, ids=str)
def test_what_has_ended_of_one_event_has_not_ended_of_another_in_its_place(other: dict[str, Any]) -> None:
    bench = Bench()
    ended = {0: [done_map.short(delivery_id(event(), "sub_1"))]}
    bench.core.assigned({EVENTS: Position(0, done_map.encode(0, -1, [0], ended))})
    bench.consume(structs.replace(event(), **other))
    assert len(bench.next().send) == 1


def test_a_signature_is_dated_by_the_wall_and_nothing_else_is() -> None:
    bench = Bench()
    bench.consume(event())
    bench.next()
    bench.consume(event("evt_2", offset=1), first=1)
    [(_, request)] = bench.core.next(bench.now_ms, bench.now_ms, wall_ms=NOW_MS - 3_600_000).send
    assert dict(request.headers)["webhook-timestamp"] == str((NOW_MS - 3_600_000) // 1_000)
    assert {job.started_ms for job in bench.core._flying._jobs.values()} == {NOW_MS}


def test_each_record_is_due_by_the_clock_of_its_own_leader() -> None:
    """One broker is 30 s ahead: what another one appended waits for its own time."""

    class Apart:
        def skew_ms(self, leader: Leader) -> int | None:
            return {1: 30_000, 2: 0, 3: None}[leader[2] or 0]

    core = Core(rules(), decode=lambda record: held[record.offset], target=target_of, clocks=Apart())
    core.assigned({RETRY: Position(0)})
    held = [delivery(event(f"e{epoch}"), tier=1, attempts=1) for epoch in range(4)]
    for epoch, appended_ms in ((1, NOW_MS + 30_000), (2, NOW_MS), (3, 0)):
        record = Record(
            topic=RETRY[0],
            partition=0,
            offset=epoch,
            key=None,
            value=b"",
            headers=(),
            timestamp_ms=appended_ms,
            leader_epoch=epoch,
        )
        core.records(NOW_MS, [record])
    core.next(NOW_MS, NOW_MS)
    assert core.held == {(*RETRY, 1), (*RETRY, 2), (*RETRY, 3)}
    core.next(NOW_MS + 900, NOW_MS + 900)
    assert core.next(NOW_MS + 900, NOW_MS + 900).load == {}
    step = core.next(NOW_MS + 3_000, NOW_MS + 3_000)
    assert step.load == {"acme": None}
    assert core.held == {(*RETRY, 3)}
