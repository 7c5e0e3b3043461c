import time

import pytest
from confluent_kafka.admin import ConfigResource, ResourceType

from consumer.kafka.topics import Topics, TopicsUnfit, admin_client, check, create, require
from consumer.roles.role import Role, needed_by
from consumer.settings import Settings
from tests.services.topics import MakeTopics


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str) -> Settings:
    return Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix, partitions=2)


def test_what_is_missing_is_named_then_created_once_and_found_fit(settings: Settings) -> None:
    topics = Topics.of(settings)
    with pytest.raises(TopicsUnfit) as caught:
        require(settings, needed_by(Role.PROJECTION, topics))
    assert [str(problem) for problem in caught.value.problems] == [f"{topics.subscriptions}: missing"]
    require(settings.model_copy(update={"create_topics": True}), needed_by(Role.DELIVER, topics), events=True)
    for role in Role:
        require(settings, needed_by(role, topics))
    admin = admin_client(settings)
    assert create(admin, settings) == []
    assert [problem for problem in check(admin, settings).problems if problem.fatal] == []


def test_a_topic_that_is_unfit_is_told_and_left_as_it_is(settings: Settings, make_topics: MakeTopics) -> None:
    topics = Topics.of(settings)
    make_topics({topics.subscriptions: 1}, {"cleanup.policy": "delete"})
    admin = admin_client(settings)
    created = create(admin, settings)
    assert topics.subscriptions not in created
    fatal = [problem for problem in check(admin, settings).problems if problem.fatal]
    unfit = {str(problem) for problem in fatal if problem.topic == topics.subscriptions}
    assert unfit == {f"{topics.subscriptions}: cleanup.policy is delete, needed compact"}
    resource = ConfigResource(ResourceType.TOPIC, topics.subscriptions)
    assert admin.describe_configs([resource])[resource].result(10)["cleanup.policy"].value == "delete"


def test_our_topics_take_what_the_largest_event_topic_takes(settings: Settings, make_topics: MakeTopics) -> None:
    events = settings.topic_prefix + "orders"
    make_topics({events: 1}, {"max.message.bytes": "12000000"})
    with_events = settings.model_copy(update={"event_topics": (events,)})
    admin = admin_client(with_events)
    while events not in admin.list_topics(timeout=10).topics:
        time.sleep(0.05)
    create(admin, with_events)
    resource = ConfigResource(ResourceType.TOPIC, Topics.of(settings).poison)
    found = admin.describe_configs([resource])[resource].result(10)["max.message.bytes"].value
    assert int(str(found)) >= 12_000_000 + 65_536


def test_a_missing_event_topic_is_warned_of_and_stops_nothing(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    wanting = settings.model_copy(update={"event_topics": (settings.topic_prefix + "nowhere",), "create_topics": True})
    require(wanting, frozenset(), events=True)
    said = capsys.readouterr()
    assert "nowhere: missing" in said.out + said.err
    [problem] = [each for each in check(admin_client(wanting), wanting).problems if not each.setting]
    assert (problem.topic, problem.fatal) == (settings.topic_prefix + "nowhere", False)
