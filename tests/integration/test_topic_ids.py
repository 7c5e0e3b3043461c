"""All that a process follows is looked up by one watch, for as long as anybody follows anything."""

import gc
import threading
import weakref

from consumer.kafka.shared_admin import shared_admin
from consumer.kafka.topic_ids import TopicIds
from consumer.settings import Settings
from tests.acceptance.deadline import until
from tests.services.topics import MakeTopics


def watches() -> int:
    return sum(thread.name == "topic watch" for thread in threading.enumerate())


def test_one_watch_looks_for_all_and_ends_with_the_last(
    kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics
) -> None:
    one, two = topic_prefix + "one", topic_prefix + "two"
    make_topics({one: 1, two: 1})
    settings = Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix)
    before = watches()
    first = TopicIds(settings, one)
    until(lambda: first.id is not None, within_s=20, missing=lambda: "an id")
    second, again = TopicIds(settings, two), TopicIds(settings, one)
    until(lambda: second.id is not None, within_s=20, missing=lambda: "an id")
    assert again.id == first.id != second.id
    assert watches() == before + 1
    first.close()
    first.close()  # a second time is none
    second.close()
    assert watches() == before + 1
    assert again.id is not None
    again.close()
    until(lambda: watches() == before, within_s=20, missing=lambda: f"{watches()} watches")


def test_one_client_answers_for_one_configuration_while_anybody_has_it(kafka_bootstrap: str) -> None:
    def settings(client: str) -> Settings:
        return Settings(kafka={"bootstrap.servers": kafka_bootstrap, "client.id": client})

    ours, same, other = shared_admin(settings("a")), shared_admin(settings("a")), shared_admin(settings("b"))
    assert ours is same
    assert ours is not other
    left = weakref.ref(ours)
    del ours, same
    gc.collect()
    assert left() is None
