from dataclasses import replace

import pytest

from consumer.kafka.topic_differences import Found, Problem, differences
from consumer.kafka.topic_specs import DAY_MS, Topics, longest_consumed_ms, specs
from consumer.kafka.topics import TopicsUnfit
from consumer.settings import Settings

SETTINGS = Settings(event_topics=("orders", "^audit[.].*"), topic_prefix="h.", retry_delays=("5s", "1m", "3d"))
TOPICS = Topics.of(SETTINGS)
EVENTS = {"max.message.bytes": "2000000", "retention.ms": "604800000"}


def as_created(**changed: dict[str, str]) -> Found:
    """The topics as we create them, but for these."""
    ours = {
        spec.name: {rule.setting: rule.create for rule in spec.rules} for spec in specs(SETTINGS, event_bytes=2_000_000)
    }
    for name, values in changed.items():
        ours["h." + name.replace("_", "-")].update(values)
    return Found(cluster="one", topics=ours | {"orders": EVENTS}, event_topics=("orders",), offsets_ms=365 * DAY_MS)


def test_the_names() -> None:
    assert TOPICS.retry_topics == ("h.retry.0s", "h.retry.5s", "h.retry.1m", "h.retry.3d")
    assert [TOPICS.tier_of(TOPICS.retry(tier)) for tier in range(4)] == [0, 1, 2, 3]
    assert TOPICS.group("deliver") == TOPICS.group("events") == "h.events"
    assert TOPICS.group("retry") == "h.retry"


def test_all_that_is_ours_is_named() -> None:
    ours = specs(Settings(topic_prefix="h.", tenant_keys="on", retry_delays=TOPICS.retry_delays), event_bytes=0)
    assert {spec.name for spec in ours} == {*TOPICS.lasting, *TOPICS.retry_topics, TOPICS.tenant_keys}


def test_what_we_create_is_what_we_need() -> None:
    assert differences(SETTINGS, as_created()) == []


def test_a_compacted_topic_that_may_keep_what_was_erased_for_ever_is_warned_of() -> None:
    forever = as_created(state={"max.compaction.lag.ms": "9223372036854775807"})
    [problem] = differences(SETTINGS, forever)
    assert (problem.topic, problem.setting, problem.fatal) == ("h.state", "max.compaction.lag.ms", False)
    assert problem.needed == f"at most {7 * DAY_MS}"
    assert differences(SETTINGS, as_created(state={"max.compaction.lag.ms": str(DAY_MS)})) == []


def test_the_audit_log_has_one_partition_and_the_others_as_many_as_are_set() -> None:
    partitions = {spec.name: spec.partitions for spec in specs(SETTINGS, event_bytes=0)}
    assert (partitions.pop("h.audit"), set(partitions.values())) == (1, {SETTINGS.partitions})


def test_tenants_keys_have_a_topic_of_one_partition_where_they_are_on() -> None:
    for keys, there in (("on", [1]), ("off", [])):
        found = specs(Settings(topic_prefix="h.", tenant_keys=keys), event_bytes=0)
        assert [each.partitions for each in found if each.name == "h.tenant-keys"] == there


def retention(settings: Settings) -> dict[str, int | None]:
    return {
        spec.name: rule.least
        for spec in specs(settings, event_bytes=0)
        for rule in spec.rules
        if rule.setting == "retention.ms"
    }


def test_a_delay_topic_outlives_its_delay_three_times() -> None:
    assert retention(SETTINGS)["h.retry.5s"] == 7 * DAY_MS
    assert retention(SETTINGS)["h.retry.3d"] == 9 * DAY_MS


def test_every_delay_topic_outlives_the_longest_wait_and_offsets_do_too() -> None:
    patient = SETTINGS.model_copy(update={"wait_for": "10d"})
    assert retention(patient)["h.retry.0s"] == 10 * DAY_MS
    assert retention(patient)["h.retry.5s"] == 10 * DAY_MS + 5_000
    assert retention(patient)["h.retry.3d"] == 13 * DAY_MS


def test_the_ordered_topic_outlives_a_wait_the_retries_and_a_stop_and_offsets_do_too() -> None:
    patient = SETTINGS.model_copy(update={"wait_for": "10d"})
    assert retention(patient)["h.ordered"] == (10 + 10 + 3) * DAY_MS == longest_consumed_ms(patient, [])
    assert retention(Settings())["hookline.ordered"] == 7 * DAY_MS


@pytest.mark.parametrize(
    ("topic", "setting", "value", "fatal"),
    [
        ("subscriptions", "cleanup.policy", "delete", True),
        ("subscriptions", "cleanup.policy", "compact,delete", True),
        ("subscriptions", "delete.retention.ms", "1000", True),
        ("retry.0s", "message.timestamp.type", "CreateTime", True),
        ("retry.3d", "retention.ms", str(8 * DAY_MS), True),
        ("retry.5s", "retention.bytes", "1000000", True),
        ("retry.5s", "max.message.bytes", "1048588", True),
        ("poison", "max.message.bytes", "1048588", True),
        ("poison", "max.message.bytes", "2000000", False),
        ("dead_letter", "retention.ms", str(DAY_MS), False),
    ],
)
def test_a_setting_that_loses_something_is_named_with_what_is_needed(
    topic: str, setting: str, value: str, fatal: bool
) -> None:
    [problem] = differences(SETTINGS, as_created(**{topic: {setting: value}}))
    assert (problem.topic, problem.setting, problem.found) == ("h." + topic.replace("_", "-"), setting, value)
    assert problem.fatal is fatal


@pytest.mark.parametrize(
    ("topic", "setting", "value"),
    [
        ("retry.5s", "retention.ms", "-1"),
        ("dead_letter", "max.message.bytes", str(1_048_576 + 65_536)),
        ("attempts", "retention.ms", str(90 * DAY_MS)),
    ],
)
def test_a_topic_that_is_more_than_needed_will_do(topic: str, setting: str, value: str) -> None:
    assert differences(SETTINGS, as_created(**{topic: {setting: value}})) == []


def test_an_event_topic_that_takes_more_asks_nothing_of_the_topics_where_deliveries_wait() -> None:
    """Its limit is a batch's as its producer pressed it, ours is an event's as it is."""
    larger = as_created()
    topics = {**larger.topics, "orders": {"max.message.bytes": "50000000"}}
    problems = differences(SETTINGS, replace(larger, topics=topics))
    assert [(problem.topic, problem.fatal) for problem in problems] == [("h.poison", False)]


def test_a_missing_topic_is_missed_only_where_it_is_needed() -> None:
    found = as_created()
    without = replace(
        found,
        topics={name: values for name, values in found.topics.items() if name != TOPICS.poison},
        offsets_ms=None,
    )
    [problem] = differences(SETTINGS, without, names=frozenset({TOPICS.poison, TOPICS.state}))
    assert str(problem) == "h.poison: missing"
    assert differences(SETTINGS, without, names=frozenset({TOPICS.state}), events=False) == []


def test_a_named_event_topic_that_is_missing_is_told_and_a_pattern_may_match_nothing_yet() -> None:
    found = as_created()
    without = replace(
        found,
        topics={name: values for name, values in found.topics.items() if name != "orders"},
        event_topics=(),
        offsets_ms=None,
    )
    assert [(problem.topic, problem.fatal) for problem in differences(SETTINGS, without)] == [("orders", False)]
    assert differences(SETTINGS, without, events=False) == []


def test_a_broker_that_forgets_offsets_early_is_advised_against() -> None:
    found = as_created()
    [problem] = differences(SETTINGS, replace(found, offsets_ms=7 * DAY_MS))
    assert (problem.setting, problem.found, problem.fatal) == ("offsets.retention.minutes", "10080", False)


def test_a_trusted_broker_is_asked_for_existence_alone() -> None:
    trusting = SETTINGS.model_copy(update={"trust_broker": True})
    assert differences(trusting, as_created(poison={"cleanup.policy": "compact"})) == []


def test_the_error_names_every_problem_and_the_command() -> None:
    problems = [
        Problem(topic="a", setting="", found="", needed="8 partitions"),
        Problem(topic="b", setting="cleanup.policy", found="delete", needed="compact"),
    ]
    text = str(TopicsUnfit(problems))
    assert "hookline topics create" in text
    assert "a: missing" in text
    assert "b: cleanup.policy is delete, needed compact" in text
