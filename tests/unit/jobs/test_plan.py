"""What a job makes of a candidate: by the rule of chains, and for this webhook only."""

from dataclasses import replace

import pytest

from consumer.delivery.delivery import Delivery, delivery_id, replay_id
from consumer.jobs.candidate import Candidate
from consumer.jobs.job import Asked, Kind, Skip
from consumer.jobs.plan import Planner
from consumer.kafka.records import Replay
from consumer.replay.generations import Generations
from consumer.replay.plan import Place, Planned
from tests.job_stage import candidate
from tests.jobs import asked

CHAIN = delivery_id(candidate(1).event, "wh_1")


def plan(each: Candidate, wanted: Asked, *written: Replay) -> Planned | str:
    generations = Generations()
    generations.written(written)
    return Planner(wanted, generations).plan(each, 7_000)


def sent(each: Candidate, wanted: Asked, *written: Replay) -> Delivery:
    planned = plan(each, wanted, *written)
    assert isinstance(planned, Planned)
    return planned.delivery


@pytest.mark.parametrize("kind", Kind)
def test_an_event_that_was_never_tried_is_the_first_of_its_chain(kind: Kind) -> None:
    delivery = sent(candidate(1), asked(kind=kind))
    assert delivery.replay_id == replay_id(CHAIN, 1)
    assert (delivery.id, delivery.replays) == (delivery_id(candidate(1).event, "wh_1", delivery.replay_id), 1)
    assert (delivery.trigger, delivery.job_id, delivery.subscription_id) == (kind.value, "job_1", "wh_1")
    assert (delivery.body, delivery.order, delivery.first_due_ms, delivery.tier) == (None, None, 7_000, 0)


def test_the_body_that_was_sent_and_its_line_are_kept() -> None:
    tried = candidate(1, body=b"{}", content_type="text/plain", order="0" * 36)
    planned = plan(tried, replace(asked(), place=Place.AFTER))
    assert isinstance(planned, Planned)
    assert (planned.delivery.body, planned.delivery.content_type) == (b"{}", "text/plain")
    assert (planned.delivery.order, planned.place) == ("0" * 36, Place.AFTER)


def replayed(generation: int, by: str | None = None) -> Replay:
    return Replay(delivery_id=CHAIN, generation=generation, at_ms=1, job_id=by)


def test_what_was_replayed_already_is_not_unless_again() -> None:
    assert plan(candidate(1), asked(), replayed(1)) == Skip.ALREADY_REPLAYED
    assert sent(candidate(1), asked(again=True), replayed(1)).replays == 2
    assert sent(candidate(1, replays=1), asked(), replayed(1)).replays == 2


def test_what_was_recovered_and_missed_again_is_recovered_again() -> None:
    """Its source has just found that nobody accepted it, and that it waits nowhere."""
    assert sent(candidate(1), asked(kind=Kind.RECOVER), replayed(1, by="job_0")).replays == 2


@pytest.mark.parametrize("wanted", [asked(again=True), asked(kind=Kind.RECOVER)])
def test_a_job_knows_its_own_also_when_it_was_killed(wanted: Asked) -> None:
    assert plan(candidate(1), wanted, replayed(1, by="job_1")) == Skip.ALREADY_REPLAYED


def test_a_chain_comes_once_in_a_batch() -> None:
    planner = Planner(asked(again=True), Generations())
    assert isinstance(planner.plan(candidate(1), 1), Planned)
    assert planner.plan(candidate(1, replays=1), 1) == Skip.ALREADY_REPLAYED
    planner.settled()
    assert isinstance(planner.plan(candidate(1), 1), Planned)


def test_the_limit_is_the_jobs_own() -> None:
    assert plan(candidate(1), asked(again=True), replayed(3)) == Skip.REPLAY_LIMIT
    assert sent(candidate(1), replace(asked(again=True), most=4), replayed(3)).replays == 4


def test_what_its_source_skips_is_skipped() -> None:
    assert plan(candidate(1, skip=Skip.NOT_KEPT), asked(again=True)) == Skip.NOT_KEPT
