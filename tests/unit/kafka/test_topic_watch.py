"""What several looks at the topics say together."""

from consumer.kafka.topic_watch import Incarnations


def test_before_the_first_look_nothing_is_known() -> None:
    seen = Incarnations()
    assert seen.found is None
    seen.looked({})
    assert seen.found == {}


def test_a_topic_that_was_made_anew_has_another_id() -> None:
    seen = Incarnations()
    seen.looked({"orders": "one", "crm": "c"})
    seen.looked({"orders": "two", "crm": "c"})
    assert seen.found == {"orders": "two", "crm": "c"}


def test_a_broker_that_knows_the_former_topic_only_is_not_believed() -> None:
    seen = Incarnations()
    for topic_id in ("one", "two", "one", "two", "one"):
        seen.looked({"orders": topic_id})
    assert seen.found == {"orders": "two"}


def test_a_topic_is_gone_when_three_looks_in_a_row_did_not_find_it() -> None:
    seen = Incarnations()
    seen.looked({"orders": "one"})
    seen.looked({})
    seen.looked({})
    seen.looked({"orders": "one"})
    seen.looked({})
    seen.looked({})
    assert seen.found == {"orders": "one"}
    seen.looked({})
    assert seen.found == {}
    seen.looked({"orders": "two"})
    assert seen.found == {"orders": "two"}


def test_a_topic_that_three_looks_missed_and_that_is_still_the_same_is_found_again() -> None:
    seen = Incarnations()
    seen.looked({"orders": "one"})
    for _ in range(3):
        seen.looked({})
    seen.looked({"orders": "one"})
    assert seen.found == {"orders": "one"}
