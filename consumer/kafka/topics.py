"""Asks the broker for its topics, and creates the missing ones of ours.

The law: nothing that exists is ever changed; what is unfit is named, with what was found and what is needed.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigEntry, ConfigResource, NewTopic, ResourceType

from consumer.kafka.asked import Answering, answer_of
from consumer.kafka.client import KafkaBroken, broken, build, client_properties, denied, error_of
from consumer.kafka.hearing_admin import HearingAdmin
from consumer.kafka.selection import event_topics
from consumer.kafka.topic_differences import Found, Problem, differences, wanted
from consumer.kafka.topic_refusals import REFUSALS, Asked
from consumer.kafka.topic_specs import Topics, specs
from consumer.settings import Settings

__all__ = ["Problem", "Topics", "TopicsUnfit", "admin_client", "check", "create", "require"]

_log = structlog.get_logger("kafka")

_TIMEOUT_S: Final = 15.0
_START_TIMEOUT_S: Final = 4.0  # a process that starts must hear SIGTERM in time, and asks again
_VISIBLE_WITHIN_S: Final = 10.0

_LET_IN: Final[set[int]] = set()
"""The settings, by their hash, with which Kafka let this process in."""


class TopicsUnfit(Exception):  # noqa: N818 # it names a state, as the glossary does
    """The topics are not as needed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"Kafka's topics are not as needed (`hookline topics create` creates missing ones):{lines}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What `check` found."""

    problems: list[Problem]
    event_topics: tuple[str, ...]


def admin_client(settings: Settings) -> AdminClient:
    """A client for `check` and `create`.

    Raises:
        ConfigurationError: the Kafka properties are wrong.
    """
    return build(AdminClient, client_properties(settings))


def require(settings: Settings, names: frozenset[str], *, events: bool = False) -> Found:
    """Make sure that these topics of ours are there and fit, creating them first where the settings allow it.

    With `events` an event topic that the settings name and that is not there is warned of. Returns what was found.

    Raises:
        ConfigurationError: the settings choose no event topics, or a topic of ours, or Kafka does not let us in. Whom
            it let in before waits instead: what a broker asks for may be changed, and changed back, while we run.
        TopicsUnfit: names everything that is not.
        AccessDenied: an ACL is missing.
        KafkaBroken: the broker could not be asked.
    """
    who = hash(frozenset(settings.kafka.items()))
    hearing = HearingAdmin(settings)
    admin = hearing.client
    try:
        if settings.create_topics and not settings.trust_broker:
            create(admin, settings, timeout_s=_START_TIMEOUT_S)
        found = _ask(admin, settings, _START_TIMEOUT_S)
    except KafkaBroken:
        if who not in _LET_IN and (wrong := hearing.blamed()) is not None:
            raise wrong from None
        raise
    _LET_IN.add(who)
    problems = differences(settings, found, names=names, events=events)
    _hidden(admin, [problem.topic for problem in problems if problem.fatal and not problem.setting])
    for problem in problems:
        if not problem.fatal:
            _log.warning("topic not as advised", problem=str(problem))
    if fatal := [problem for problem in problems if problem.fatal]:
        raise TopicsUnfit(fatal)
    return found


def check(admin: AdminClient, settings: Settings) -> Checked:
    """Everything that is not as needed, of our topics and of the event topics, and which those are.

    Raises:
        ConfigurationError: the settings choose no event topics, or a topic of ours.
        KafkaBroken: the broker could not be asked.
    """
    found = _ask(admin, settings, _TIMEOUT_S)
    return Checked(problems=differences(settings, found), event_topics=found.event_topics)


def _warned(topic: str, how: str) -> None:
    _log.warning("topic setting refused", topic=topic, created=how)


def create(
    admin: AdminClient,
    settings: Settings,
    *,
    timeout_s: float = _TIMEOUT_S,
    eased: Callable[[str, str], None] = _warned,
) -> list[str]:
    """Create what is missing of Hookline's own topics and wait until it can be seen. Returns the names created.

    `eased` hears of each topic that was created without a setting that the broker refuses, or with less.

    Raises:
        KafkaBroken: the broker refused, or could not be asked.
    """
    found = _ask(admin, settings, timeout_s)
    missing = [spec for spec in wanted(settings, found) if spec.name not in found.topics]
    if not missing:
        return []
    created: list[str] = []
    asked = {spec.name: Asked.of(spec) for spec in missing}
    while asked:
        futures = admin.create_topics(
            [
                NewTopic(
                    name,
                    num_partitions=each.spec.partitions,
                    replication_factor=settings.replication_factor,
                    config=dict(each.config),
                )
                for name, each in asked.items()
            ],
            operation_timeout=_TIMEOUT_S,
            request_timeout=_TIMEOUT_S,
        )
        answers = {name: _answered(asked[name], future) for name, future in futures.items()}
        created += [name for name, answer in answers.items() if answer is True]
        asked = {name: answer for name, answer in answers.items() if isinstance(answer, Asked)}
        for name, each in asked.items():
            eased(name, each.eased)
    _await_visible(admin, {spec.name for spec in missing})
    return created


def _ask(admin: AdminClient, settings: Settings, timeout_s: float) -> Found:
    try:
        metadata = admin.list_topics(timeout=timeout_s)
    except KafkaException as exception:
        raise broken(error_of(exception), "asking the broker for its topics") from None
    if not metadata.brokers:  # one that has just started may not know of itself yet
        raise KafkaBroken("asking the broker for its topics: it knows no broker yet")
    cluster = str(metadata.cluster_id)
    existing = {name for name, topic in metadata.topics.items() if topic.error is None}
    ours = {spec.name for spec in specs(settings, event_bytes=0)} & existing
    events = event_topics(settings).among(existing)
    if settings.trust_broker:
        unasked: dict[str, Mapping[str, str]] = {name: {} for name in ours | {*events}}
        return Found(cluster=cluster, topics=unasked, event_topics=events, offsets_ms=None)
    broker_id = str(min(metadata.brokers))
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in sorted(ours | {*events})]
    broker = ConfigResource(ResourceType.BROKER, broker_id)
    futures = admin.describe_configs([*resources, broker], request_timeout=_TIMEOUT_S)
    told = _settings(futures[broker]) or {}
    minutes, chars = told.get("offsets.retention.minutes"), told.get("offset.metadata.max.bytes")
    return Found(
        cluster=cluster,
        topics={resource.name: _settings(futures[resource]) or {} for resource in resources},
        event_topics=events,
        offsets_ms=None if minutes is None else int(minutes) * 60_000,
        metadata_chars=None if chars is None else int(chars) - 1,
    )


def _hidden(admin: AdminClient, missing: list[str]) -> None:
    """A broker does not list what this user may not describe.

    Raises:
        AccessDenied: one of these is not missing, but hidden.
    """
    if not missing:
        return
    for name, answer in admin.describe_topics(TopicCollection(missing), request_timeout=_START_TIMEOUT_S).items():
        try:
            answer_of(answer, _TIMEOUT_S)
        except KafkaException as exception:
            if denied(error_of(exception)):
                raise broken(error_of(exception), needs=f"DESCRIBE, READ and WRITE on topic {name}") from None


def _settings(future: Answering[Mapping[str, ConfigEntry]]) -> dict[str, str] | None:
    """A resource's settings; None where this user may not see them, as on managed clusters."""
    try:
        entries = answer_of(future, 2 * _TIMEOUT_S)
    except KafkaException as exception:
        error = error_of(exception)
        if error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}:
            _log.warning("settings not checked", error=error.str())
            return None
        raise broken(error, "asking the broker for settings") from None
    return {name: entry.value for name, entry in entries.items() if entry.value is not None}


def _answered(asked: Asked, future: Answering[None]) -> bool | Asked:
    """Whether this process created the topic; or what to ask for instead."""
    name = asked.spec.name
    try:
        answer_of(future, 2 * _TIMEOUT_S)
    except KafkaException as exception:
        error = error_of(exception)
        if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False  # another process was faster
        if error.code() in REFUSALS and (instead := asked.after(error.str())) is not None:
            return instead
        raise broken(error, f"creating {name}", needs=f"CREATE on topic {name}") from None
    return True


def _await_visible(admin: AdminClient, names: set[str]) -> None:
    """A topic is created before every broker knows it; whoever subscribes in between is told that it is unknown."""
    until_s = time.monotonic() + _VISIBLE_WITHIN_S
    while not names <= {
        name for name, topic in admin.list_topics(timeout=_TIMEOUT_S).topics.items() if topic.partitions
    }:
        if time.monotonic() > until_s:
            raise broken(KafkaError(KafkaError._TIMED_OUT), "waiting for the new topics to appear")  # noqa: SLF001 # librdkafka's local code
        time.sleep(0.05)
