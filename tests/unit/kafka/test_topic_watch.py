"""What several looks at the topics say together."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import NoReturn, cast

import pytest
from confluent_kafka.admin import AdminClient

from consumer.kafka.client import KafkaBroken
from consumer.kafka.selection import Selection
from consumer.kafka.topic_watch import Incarnations, TopicWatch


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


def test_a_bug_of_the_watch_is_raised_where_what_it_found_is_read() -> None:
    """Its thread would end alone, and a topic made anew would never be noticed again."""

    class Broken:
        def describe_topics(self, *_: object, **__: object) -> NoReturn:
            raise ZeroDivisionError

    admin = cast("AdminClient", Broken())
    watch = TopicWatch(admin, Selection(names=("orders",)), group=None, describes=True)
    watch.start()
    watch._thread.join(10)
    with pytest.raises(ZeroDivisionError):
        _ = watch.found
    watch.close()


def test_a_process_that_stood_still_asks_again() -> None:
    """Its own wait is over before it can hear that the client's is: no bug, and no end of the watch."""

    class StoodStill:
        def __init__(self) -> None:
            self.asked = 0

        def describe_topics(self, *_: object, **__: object) -> dict[str, Future[object]]:
            self.asked += 1
            answer: Future[object] = Future()
            if self.asked == 1:
                answer.set_exception(TimeoutError())  # as `result` raises it
            else:
                answer.set_result(SimpleNamespace(topic_id="one"))
            return {"orders": answer}

    admin = StoodStill()
    watch = TopicWatch(cast("AdminClient", admin), Selection(names=("orders",)), group=None, describes=True)
    with pytest.raises(KafkaBroken, match="asking what orders is"):
        watch.look()
    watch.look()
    assert watch.found == {"orders": "one"}
