import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from consumer.demo.receiver import status_of
from consumer.demo.scenario import HOOKS, Conduct, Plan, Receipt, Tally, event

EVENTS = st.integers(0, 40)
PAIRS = [(hook.name, event(number).id) for number in range(25) for hook in HOOKS if hook.wants(event(number))]


def delivered(hook: str, event_id: str, status: int = 204) -> Receipt:
    return Receipt(hook=hook, event_id=event_id, status=status, verified=True)


def tally_of(accepted: set[int], dead: set[int], replayed: set[int]) -> Tally:
    """Each pair by its place: accepted, dead-lettered, or dead-lettered and then accepted."""
    tally = Tally()
    for number in range(25):
        tally.published(event(number))
    for place, (hook, event_id) in enumerate(PAIRS):
        if place in dead | replayed:
            tally.received(delivered(hook, event_id, 500))
            tally.died(f"d{place}", hook, event_id)
            tally.died(f"d{place}", hook, event_id)
        if place in accepted - dead | replayed:
            tally.received(delivered(hook, event_id))
    return tally


PLACES = st.sets(st.integers(0, len(PAIRS) - 1))


@given(PLACES, PLACES, PLACES)
def test_only_what_was_neither_accepted_nor_dead_is_open(
    accepted: set[int], dead: set[int], replayed: set[int]
) -> None:
    tally = tally_of(accepted, dead, replayed)

    missing = [PAIRS[place] for place in range(len(PAIRS)) if place not in accepted | dead | replayed]
    assert sorted(tally.open()) == sorted(missing)
    assert len(tally.faults()) == len(missing)
    assert sum(row.replayed for row in tally.rows()) == len(replayed)
    assert len(tally.dead_deliveries) == len(dead - replayed), "repeats of a delivery id are one dead letter"


def test_a_wrong_signature_is_a_fault() -> None:
    tally = tally_of(set(range(len(PAIRS))), set(), set())
    assert tally.faults() == []

    tally.received(Receipt(hook="crm", event_id=event(0).id, status=204, verified=False))

    assert len(tally.faults()) == 1


def test_what_a_webhook_does_not_want_is_a_fault() -> None:
    tally = tally_of(set(range(len(PAIRS))), set(), set())

    tally.received(delivered("notes", event(0).id))  # another tenant's
    tally.received(delivered("crm", "evt_999999"))

    assert sorted(tally.invented()) == [("crm", "evt_999999"), ("notes", event(0).id)]
    assert len(tally.faults()) == 2


def test_every_conduct_profile_and_brand_has_something_to_do() -> None:
    wanted = {hook.name: sum(hook.wants(event(number)) for number in range(5)) for hook in HOOKS}

    assert {hook.conduct for hook in HOOKS} == set(Conduct)
    assert all(wanted.values()), wanted


def test_an_event_is_an_envelope_whose_data_names_it() -> None:
    envelope = json.loads(event(7).value(datetime(2026, 1, 2, tzinfo=UTC)))

    assert envelope["id"] == envelope["data"]["id"] == "evt_000007"
    assert envelope["time"] == "2026-01-02T00:00:00.000Z"
    assert {"type", "tenant"} <= envelope.keys()


def test_the_flaky_one_accepts_the_third_time_and_the_dead_one_when_mended() -> None:
    assert [status_of(Conduct.FLAKY, tries, mended=False) for tries in (1, 2, 3, 4)] == [500, 500, 204, 204]
    assert [status_of(Conduct.DEAD, 9, mended=mended) for mended in (False, True)] == [500, 204]
    assert status_of(Conduct.HEALTHY, 1, mended=False) == status_of(Conduct.SLOW, 1, mended=False) == 204


def test_a_timed_demo_leaves_room_for_the_retries_and_an_endless_one_mends_by_turns() -> None:
    assert Plan(for_s=20).publish_until_s == 10
    assert Plan(for_s=1).publish_until_s == 4
    assert not Plan(for_s=20).mended_at(1_000)
    endless = Plan(for_s=None)
    assert [endless.mended_at(second) for second in (0, 19, 20, 34, 35, 55)] == [False, False, True, True, False, True]
