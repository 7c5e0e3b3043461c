"""Compares the topics that were found with what Hookline needs. Pure.

The law: whatever is unfit is named, with what was found and what is needed; only what could lose deliveries is fatal.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from consumer.kafka.topic_specs import BROKER_MAX_BYTES, TopicSpec, longest_consumed_ms, specs
from consumer.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as needed. `setting` is empty when the topic itself is missing."""

    topic: str
    setting: str
    found: str
    needed: str
    fatal: bool = True

    def __str__(self) -> str:
        if not self.setting:
            return f"{self.topic}: missing"
        return f"{self.topic}: {self.setting} is {self.found}, needed {self.needed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the broker says: its cluster's id, settings by topic (no entry: no such topic), how long it keeps offsets.

    `event_topics` are the user's topics that match the settings. `metadata_chars`: what a commit may tell beside its
    offset. Both that and `offsets_ms` are None where the broker does not tell.
    """

    cluster: str
    topics: Mapping[str, Mapping[str, str]]
    event_topics: tuple[str, ...]
    offsets_ms: int | None
    metadata_chars: int | None = None


def differences(
    settings: Settings, found: Found, *, names: frozenset[str] | None = None, events: bool = True
) -> list[Problem]:
    """Compare what was found with what is needed of these topics of ours, or of all. Pure."""
    problems: list[Problem] = []
    if events:
        problems += [
            Problem(topic=name, setting="", found="", needed="it holds events: create it yourself", fatal=False)
            for name in settings.event_topics
            if not name.startswith("^") and name not in found.topics
        ]
    for spec in wanted(settings, found):
        if names is not None and spec.name not in names:
            continue
        if spec.name not in found.topics:
            problems.append(Problem(topic=spec.name, setting="", found="", needed=f"{spec.partitions} partitions"))
        elif not settings.trust_broker:
            problems += _unmet(spec, found.topics[spec.name])
    needed_ms = longest_consumed_ms(settings, _retentions(found))
    if found.offsets_ms is not None and found.offsets_ms < needed_ms:
        problems.append(
            Problem(
                topic="the broker",
                setting="offsets.retention.minutes",
                found=str(found.offsets_ms // 60_000),
                needed=f"at least {-(-needed_ms // 60_000)}: a group stopped for longer starts from the beginning",
                fatal=False,
            )
        )
    return problems


def wanted(settings: Settings, found: Found) -> tuple[TopicSpec, ...]:
    """What our topics must be like beside the event topics that were found."""
    sizes = [int(found.topics[name].get("max.message.bytes", BROKER_MAX_BYTES)) for name in found.event_topics]
    return specs(settings, event_bytes=max(sizes, default=BROKER_MAX_BYTES))


def _unmet(spec: TopicSpec, settings_found: Mapping[str, str]) -> list[Problem]:
    """Of each setting the first rule that it does not meet."""
    problems: dict[str, Problem] = {}
    for rule in spec.rules:
        found = settings_found.get(rule.setting)
        if found is not None and not rule.met_by(found):
            problem = Problem(topic=spec.name, setting=rule.setting, found=found, needed=rule.needed, fatal=rule.fatal)
            problems.setdefault(rule.setting, problem)
    return list(problems.values())


def _retentions(found: Found) -> list[int]:
    return [int(found.topics[name].get("retention.ms", 0)) for name in found.event_topics]
