"""The story of the demo: one endpoint has moved, and whatever its reader does is none of the proof's."""

from consumer.demo import story
from consumer.demo.scenario import HOOKS, Tally


def test_the_order_desk_is_found_where_it_has_moved_to() -> None:
    assert [story.answer(path, 1).status for path in (story.MOVED, story.MOVED_TO)] == [503, 200]
    assert story.MOVED.replace("v1", "v2") == story.MOVED_TO
    assert "moved to /order-desk/v2" in story.answer(story.MOVED, 1).body.decode()


def test_the_others_accept_but_for_a_few() -> None:
    answers = {
        each.name: [story.answer(each.path, number).status for number in range(1, 13)] for each in story.ENDPOINTS
    }
    assert set(answers["CRM"]) == {200}
    assert answers["Warehouse"].count(500) == 2
    assert set(answers["Order desk"]) == {503}


def test_the_shop_s_events_are_wanted_by_nobody_of_the_proof() -> None:
    tally = Tally()
    for number in range(20):
        tally.published(story.event(number))
    assert tally.open() == []
    assert story.SHOP not in {hook.tenant for hook in HOOKS}
    wanted = {each for endpoint in story.ENDPOINTS for each in endpoint.event_types}
    assert "order.paid" in wanted
    assert {story.event(number).type for number in range(4)} == {"order.created", "order.paid", "customer.updated"}


def test_what_is_told_names_the_address_first() -> None:
    told = story.told("http://localhost:1/")
    assert told.splitlines()[1] == "  The pages:  http://localhost:1/"
    assert "Resume and recover" in told
