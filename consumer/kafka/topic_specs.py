"""Hookline's topics and groups: their names, and what each topic must be like.

The law: this is the only place that says so. `topics` compares it with the broker and creates what is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final, Self

from consumer.setting_values import duration_ms
from consumer.settings import Settings

DAY_MS: Final = 86_400_000
_TIMES: Final = "message.timestamp.type"
# An event's record grows by its provenance, its headers and its envelope when it moves to one of ours.
ROOM_BYTES: Final = 65_536
# The broker's default max.message.bytes: our batches are up to 1 MB.
BROKER_MAX_BYTES: Final = 1_048_588


@dataclass(frozen=True)
class Topics:
    """The names. `retry_delays` are the tiers as the settings write them, without the spill tier `0s`."""

    prefix: str
    retry_delays: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The names under these settings."""
        return cls(settings.topic_prefix, settings.retry_delays)

    @property
    def subscriptions(self) -> str:
        """The compacted source of truth of every webhook."""
        return self.prefix + "subscriptions"

    @property
    def dead_letter(self) -> str:
        """Where deliveries end that could not be delivered."""
        return self.prefix + "dead-letter"

    @property
    def poison(self) -> str:
        """Where records go that can never become an event."""
        return self.prefix + "poison"

    @property
    def attempts(self) -> str:
        """The delivery log."""
        return self.prefix + "attempts"

    @cached_property
    def ordered(self) -> str:
        """The deliveries of ordered webhooks, until they have ended."""
        return self.prefix + "ordered"

    @property
    def state(self) -> str:
        """API keys, requests that came before, and the like, compacted. Nobody writes it in transactions."""
        return self.prefix + "state"

    @property
    def jobs(self) -> str:
        """Jobs, and how often dead letters and poison records were sent again: compacted, written in transactions."""
        return self.prefix + "jobs"

    @property
    def audit(self) -> str:
        """What somebody did: the audit log."""
        return self.prefix + "audit"

    @property
    def tenant_keys(self) -> str:
        """Tenants' data keys, sealed and compacted. There where HOOKLINE_TENANT_KEYS is on, or was."""
        return self.prefix + "tenant-keys"

    @property
    def lasting(self) -> tuple[str, ...]:
        """All of ours that are there whatever the settings say: not the delay topics, nor `tenant_keys`."""
        return (
            self.subscriptions,
            self.dead_letter,
            self.poison,
            self.attempts,
            self.ordered,
            self.state,
            self.jobs,
            self.audit,
        )

    @cached_property
    def retry_topics(self) -> tuple[str, ...]:
        """The delay topics; the index is the tier, 0 the spill tier."""
        return tuple(f"{self.prefix}retry.{delay}" for delay in ("0s", *self.retry_delays))

    def retry(self, tier: int) -> str:
        """The delay topic of a tier."""
        return self.retry_topics[tier]

    def tier_of(self, topic: str) -> int:
        """The tier of a delay topic."""
        return self._tiers[topic]

    @cached_property
    def _tiers(self) -> MappingProxyType[str, int]:
        return MappingProxyType({topic: tier for tier, topic in enumerate(self.retry_topics)})

    def group(self, role: str) -> str:
        """The consumer group of a role: `events` belongs to deliver, the others to the role of their name."""
        return self.prefix + ("events" if role == "deliver" else role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One setting of a topic: `create` is what we create it with, and what a check demands unless others say so.

    `least`: a number no smaller (-1, without limit, always passes); `most`: a number no larger; without either, the
    same value. A rule that is not `fatal` is advice: another value works, with less to look back on, or with more that
    stays.
    """

    setting: str
    create: str
    least: int | None = None
    most: int | None = None
    fatal: bool = True

    @property
    def needed(self) -> str:
        """What to tell a person."""
        if self.most is not None:
            return f"at most {self.most}"
        return self.create if self.least is None else f"at least {self.least}"

    def met_by(self, found: str) -> bool:
        """Whether a topic with this value will do."""
        if self.most is not None:
            return int(found) <= self.most
        if self.least is None:
            return found == self.create
        return int(found) == -1 or int(found) >= self.least


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """A topic Hookline owns."""

    name: str
    partitions: int
    rules: tuple[Rule, ...]


def taken_bytes(settings: Settings) -> int:
    """What each of our topics takes of one record that is not compressed, or it is not fit.

    An event topic's limit is another size: that of a batch as its producer compressed it.
    """
    return max(settings.max_event_bytes + ROOM_BYTES, BROKER_MAX_BYTES)


def specs(settings: Settings, *, event_bytes: int) -> tuple[TopicSpec, ...]:
    """Every topic Hookline owns; `event_bytes` is the largest `max.message.bytes` among the event topics."""
    topics = Topics.of(settings)
    least_bytes = taken_bytes(settings)
    # A delivery's record holds the event and, once rendered, the body: nearly the event twice.
    twice = str(max(2 * settings.max_event_bytes + ROOM_BYTES, least_bytes))
    whole = Rule(setting="max.message.bytes", create=twice, least=least_bytes)
    poison_bytes = max(event_bytes + ROOM_BYTES, least_bytes)
    original = Rule(setting="max.message.bytes", create=str(poison_bytes), least=least_bytes)
    # What poison does not take is written there without its bytes.
    roomy = Rule(setting="max.message.bytes", create=str(poison_bytes), least=poison_bytes, fatal=False)
    delete = Rule(setting="cleanup.policy", create="delete")
    month = _retention(30 * DAY_MS, fatal=False)
    compacted = (
        Rule(setting="cleanup.policy", create="compact"),
        # What was deleted or erased has to go, also of a partition that nobody writes to any more.
        Rule(setting="max.compaction.lag.ms", create=str(7 * DAY_MS), most=7 * DAY_MS, fatal=False),
        # A reader that starts over within this time still sees what was deleted.
        Rule(setting="delete.retention.ms", create=str(DAY_MS), least=DAY_MS),
    )
    # A key that was destroyed has to go from the disk soon: then nothing opens copies of what it sealed.
    keys = (
        Rule(setting="cleanup.policy", create="compact"),
        Rule(setting="max.compaction.lag.ms", create=str(DAY_MS), most=DAY_MS, fatal=False),
        Rule(setting="delete.retention.ms", create=str(DAY_MS), least=DAY_MS),
    )
    kept = {
        topics.subscriptions: compacted,
        topics.dead_letter: (delete, month, whole),
        topics.poison: (delete, month, original, *([roomy] if poison_bytes > least_bytes else [])),
        # Its lists are in the order of these times, of whatever process each attempt is.
        topics.attempts: (delete, month, whole, Rule(setting=_TIMES, create="LogAppendTime", fatal=False)),
        topics.state: compacted,
        topics.jobs: compacted,
        topics.audit: (delete, _retention(365 * DAY_MS, fatal=False)),
    }
    if settings.tenant_keys == "on":
        kept[topics.tenant_keys] = keys
    waiting = {
        topic: (
            delete,
            # Due times count from the broker's clock, never from a producer's.
            Rule(setting=_TIMES, create="LogAppendTime"),
            _retention(kept_ms, fatal=True),
            Rule(setting="retention.bytes", create="-1"),
            whole,
        )
        for topic, kept_ms in (
            *zip(topics.retry_topics, (_kept_ms(settings, each) for each in settings.retry_delays_ms), strict=True),
            (topics.ordered, _ordered_kept_ms(settings)),
        )
    }
    return tuple(
        # All of the audit log lies in its first partition, in the order in which it was told. Keys are few, and each
        # process reads all of them: in one partition whatever is written next lets go of what was destroyed before.
        TopicSpec(
            name=name,
            partitions=1 if name in {topics.audit, topics.tenant_keys} else settings.partitions,
            rules=rules,
        )
        for name, rules in (kept | waiting).items()
    )


def longest_consumed_ms(settings: Settings, event_retentions_ms: Sequence[int]) -> int:
    """The longest retention among the topics a group reads; topics kept for ever do not count."""
    delayed_ms = _kept_ms(settings, duration_ms(settings.retry_delays[-1]))
    return max(delayed_ms, _ordered_kept_ms(settings), *event_retentions_ms, 0)


def _kept_ms(settings: Settings, delay_ms: int) -> int:
    """How long the delay topic of this delay keeps its records, at least.

    What waits there may be read late, as where its partition is paused: by then it is dead-lettered, and not lost.
    """
    return max(7 * DAY_MS, 3 * delay_ms, duration_ms(settings.wait_for) + delay_ms)


def _ordered_kept_ms(settings: Settings) -> int:
    """How long the ordered topic keeps its records: until its turn came, and it was retried or its key had stopped."""
    last_ms, wait_ms = settings.retry_delays_ms[-1], duration_ms(settings.wait_for)
    return max(_kept_ms(settings, last_ms), wait_ms + max(wait_ms, duration_ms(settings.retry_for)) + last_ms)


def _retention(least_ms: int, *, fatal: bool) -> Rule:
    return Rule(setting="retention.ms", create=str(least_ms), least=least_ms, fatal=fatal)
