"""The laws of the planner, and of runs that are cut off anywhere."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from consumer.delivery.delivery import DeadLetter, Delivery, delivery_id, replay_id
from consumer.delivery.order_partition import BEFORE
from consumer.events.event import RecordHeaders
from consumer.kafka.records import decode_ordered
from consumer.kafka.topic_specs import Topics
from consumer.replay.ledger import replayed_record
from consumer.replay.plan import Place, Planned, Planner, Skipped, SkipReason, chain_of
from consumer.replay.run import Clock, Summary, replay
from consumer.webhooks.subscription import Status
from tests.dead_letters import dead_letter

TOPICS = Topics("hookline.", ("5s",))
ACTIVE = {"wh_1": Status.ACTIVE, "wh_2": Status.ACTIVE}
clock = Clock(now_ms=lambda: 7_000, monotonic_s=lambda: 0.0, sleep=lambda _: None)


def dead_again(planned: Planned) -> DeadLetter:
    """The replay was tried and failed as well."""
    return structs.replace(
        dead_letter(), delivery=structs.replace(planned.delivery, attempts=8, tier=-1, last_status=500)
    )


def planner(
    generations: dict[str, int] | None = None,
    *,
    again: bool = False,
    most: int = 3,
    statuses: dict[str, Status] | None = None,
) -> Planner:
    return Planner(
        generations=generations or {},
        statuses=ACTIVE if statuses is None else statuses,
        max_replays=most,
        again=again,
    )


def test_a_stub_is_not_replayed_for_it_holds_nothing_to_send() -> None:
    stub = structs.replace(dead_letter(body=None), left_out_bytes=3_000_000)
    assert planner(again=True).plan(stub, 7_000) == Skipped(reason=SkipReason.STUB)


def test_a_replay_is_a_first_try_of_the_same_event_body_and_webhook() -> None:
    dead = dead_letter()
    planned = planner().plan(dead, 7_000)
    assert isinstance(planned, Planned)
    was, now = dead.delivery, planned.delivery
    assert (now.event, now.body, now.content_type, now.subscription_id) == (
        was.event,
        was.body,
        was.content_type,
        was.subscription_id,
    )
    assert now.replay_id == replay_id(was.id, 1)
    assert now.id == delivery_id(was.event, "wh_1", now.replay_id) != was.id
    assert (now.replays, now.attempts, now.spills, now.tier, now.first_due_ms) == (1, 0, 0, 0, 7_000)
    assert (now.first_attempt_ms, now.last_attempt_ms, now.last_status, now.last_reason) == (None, None, None, "")
    assert (planned.replay.delivery_id, planned.replay.generation) == (was.id, 1)
    assert now.trigger == "replay"
    kept = {"id", "event", "subscription_id", "body", "content_type", "replay_id", "replays", "tier", "first_due_ms"}
    kept.add("trigger")
    fresh = Delivery(id="", event=was.event, subscription_id="")
    for each in Delivery.__struct_fields__:
        assert each in kept or getattr(now, each) == getattr(fresh, each)


@pytest.mark.parametrize(("place", "headers"), [(Place.BEFORE, (BEFORE,)), (Place.AFTER, ())])
def test_a_replay_of_an_ordered_webhook_goes_to_its_line(place: Place, headers: RecordHeaders) -> None:
    line = "0123456789ab" * 3
    dead = structs.replace(dead_letter(), delivery=structs.replace(dead_letter().delivery, order=line))
    planned = Planner(generations={}, statuses=ACTIVE, max_replays=3, place=place).plan(dead, 7_000)
    assert isinstance(planned, Planned)
    record = replayed_record(TOPICS, planned)
    assert (record.topic, record.key, record.headers) == ("hookline.ordered", line.encode(), headers)
    assert record.value is not None
    assert decode_ordered(record.key, record.value).id == planned.delivery.id


def test_any_other_goes_to_the_spill_topic() -> None:
    planned = planner().plan(dead_letter(), 7_000)
    assert isinstance(planned, Planned)
    record = replayed_record(TOPICS, planned)
    assert (record.topic, record.key, record.headers) == ("hookline.retry.0s", b"wh_1", ())


def test_a_dead_replay_leads_back_to_its_original() -> None:
    dead = dead_letter()
    first = planner().plan(dead, 1)
    assert isinstance(first, Planned)
    second = planner({dead.delivery.id: 1}).plan(dead_again(first), 2)
    assert isinstance(second, Planned)
    assert chain_of(second.delivery) == dead.delivery.id
    assert second.replay.generation == 2
    assert second.delivery.id not in {first.delivery.id, dead.delivery.id}


def test_the_table_of_the_module() -> None:
    dead = dead_letter()
    chain = dead.delivery.id
    first = planner().plan(dead, 1)
    assert isinstance(first, Planned)
    assert planner({chain: 1}).plan(dead, 2) == Skipped(reason=SkipReason.ALREADY_REPLAYED)
    assert isinstance(planner({chain: 1}).plan(dead_again(first), 2), Planned)
    assert isinstance(planner({chain: 1}, again=True).plan(dead, 2), Planned)


def test_the_limit_counts_the_chain() -> None:
    dead = dead_letter()
    chain = dead.delivery.id
    last = structs.replace(
        dead, delivery=structs.replace(dead.delivery, replays=3, replay_id=replay_id(chain, 3), id="d3")
    )
    assert planner({chain: 3}).plan(last, 1) == Skipped(reason=SkipReason.LIMIT)
    assert planner({chain: 3}, again=True).plan(dead, 1) == Skipped(reason=SkipReason.LIMIT)
    assert isinstance(planner({chain: 2}, again=True).plan(dead, 1), Planned)


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        ({}, SkipReason.DELETED),
        ({"wh_1": Status.PAUSED}, SkipReason.PAUSED),
        ({"wh_1": Status.SUSPENDED}, SkipReason.SUSPENDED),
    ],
)
def test_what_could_not_arrive_is_not_sent(statuses: dict[str, Status], reason: SkipReason) -> None:
    assert planner(statuses=statuses).plan(dead_letter(), 1) == Skipped(reason=reason)


def test_one_run_replays_a_chain_once_even_again() -> None:
    dead = dead_letter()
    first = planner().plan(dead, 1)
    assert isinstance(first, Planned)
    run = planner({dead.delivery.id: 1}, again=True)
    assert isinstance(run.plan(dead, 2), Planned)
    assert run.plan(dead_again(first), 2) == Skipped(reason=SkipReason.ALREADY_REPLAYED)


class Killed(Exception):  # noqa: N818 # it names what happened
    """The process died here."""


class Store:
    """Kafka as the ledger sees it: both records of a batch, or neither; the answer may get lost."""

    def __init__(self) -> None:
        self.generations: dict[str, int] = {}
        self.sent: list[Delivery] = []

    def write(self, batch: Sequence[Planned], fate: str) -> None:
        if fate == "before":
            raise Killed
        for planned in batch:
            assert self.generations.get(planned.replay.delivery_id, 0) == planned.replay.generation - 1
            self.generations[planned.replay.delivery_id] = planned.replay.generation
            self.sent.append(planned.delivery)
        if fate == "after":
            raise Killed


@given(
    numbers=st.lists(st.integers(0, 12), unique=True),
    fates=st.lists(st.sampled_from(["before", "after", "fine"]), max_size=12),
    most=st.integers(1, 4),
)
def test_runs_cut_off_anywhere_replay_each_dead_letter_exactly_once(
    numbers: list[int], fates: list[str], most: int
) -> None:
    store = Store()
    dead = [dead_letter(number) for number in numbers]
    left = iter(fates)

    def run() -> Summary:
        return replay(
            dead,
            planner(dict(store.generations)),
            lambda batch: store.write(batch, next(left, "fine")),
            clock=clock,
            most=most,
        )

    for _ in range(len(fates) + 1):
        try:
            run()
        except Killed:
            continue
        break
    assert Counter(chain_of(each) for each in store.sent) == Counter(each.delivery.id for each in dead)
    again = run()
    assert (again.replayed, again.skipped[SkipReason.ALREADY_REPLAYED]) == (0, len(dead))


@given(steps=st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), max_size=30), most=st.integers(1, 4))
def test_no_generation_is_given_twice_and_none_beyond_the_limit(steps: list[tuple[int, bool, bool]], most: int) -> None:
    """Any sequence of replays, with and without --again, of originals and of their replays that died."""
    store = Store()
    dead = {number: [dead_letter(number)] for number in range(3)}
    for number, again, oldest in steps:
        chosen = dead[number][0 if oldest else -1]
        plan = planner(dict(store.generations), again=again, most=most).plan(chosen, 1)
        if isinstance(plan, Planned):
            store.write([plan], "fine")
            dead[number].append(dead_again(plan))
        elif not again and not oldest:
            # The newest of a chain is refused only because of the limit.
            assert plan == Skipped(reason=SkipReason.LIMIT)
    assert len({each.id for each in store.sent}) == len(store.sent)
    assert all(generation <= most for generation in store.generations.values())


def test_each_replay_goes_to_its_own_webhook_only() -> None:
    plans = [planner().plan(dead_letter(webhook=webhook), 1) for webhook in ("wh_1", "wh_2")]
    assert [plan.delivery.subscription_id for plan in plans if isinstance(plan, Planned)] == ["wh_1", "wh_2"]
    assert len({plan.delivery.id for plan in plans if isinstance(plan, Planned)}) == 2
