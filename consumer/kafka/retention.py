"""For how long topics keep what is written to them, as the broker says now.

The law: nothing is taken for known. None is said of a topic that keeps all for ever, of one whose configuration this
process may not read, and while the broker does not answer.

A broker deletes whole segments, when the latest record in one is older than `retention.ms`. So a record is kept for
`retention.ms`, and some can be read for as much longer as a segment is filled: `segment.ms`, by default seven days.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from consumer.kafka.asked import answer_of
from consumer.kafka.client import build, client_properties
from consumer.settings import Settings

_RETENTION: Final = "retention.ms"
_SEGMENT: Final = "segment.ms"
_POLICY: Final = "cleanup.policy"
_TIMEOUT_S: Final = 2.0
_GOOD_FOR_S: Final = 3_600.0
_AGAIN_S: Final = 60.0


class Retention:
    """Of one topic. For many threads: one asks the broker, about once an hour; the others get what was last said."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        *,
        ask: Callable[[Settings, str], int | None] | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is asked yet."""
        self._settings = settings
        self._topic = topic
        self._ask = retention_ms if ask is None else ask
        self._monotonic_s = monotonic_s
        self._asking = threading.Lock()
        self._known_ms: int | None = None
        self._good_until_s = float("-inf")

    def ms(self) -> int | None:
        """How long the topic keeps records, in milliseconds."""
        if self._monotonic_s() >= self._good_until_s and self._asking.acquire(blocking=False):
            try:
                self._known_ms = self._ask(self._settings, self._topic)
                good_s = _AGAIN_S if self._known_ms is None else _GOOD_FOR_S
                self._good_until_s = self._monotonic_s() + good_s
            finally:
                self._asking.release()
        return self._known_ms


def retention_ms(settings: Settings, topic: str) -> int | None:
    """How long this topic keeps a record at least, in ms.

    Raises:
        ConfigurationError: the Kafka properties are wrong.
    """
    return _number(_said(settings, topic), _RETENTION)


def gone_after_ms(settings: Settings, topic: str) -> int | None:
    """How long after it was written a record can be read at most, in ms. Raises as `retention_ms` does."""
    return gone_after(_said(settings, topic))


def all_gone_after_ms(settings: Settings, topics: Collection[str]) -> dict[str, int | None]:
    """The same of several topics, asked at once. Raises as `retention_ms` does."""
    return {topic: gone_after(said) for topic, said in _all_said(settings, topics).items()}


def gone_after(said: Mapping[str, str]) -> int | None:
    """The same, of a topic's configuration."""
    kept_ms, filled_ms = _number(said, _RETENTION), _number(said, _SEGMENT)
    if kept_ms is None or filled_ms is None or "delete" not in said.get(_POLICY, "").split(","):
        return None
    return kept_ms + filled_ms


def _number(said: Mapping[str, str], setting: str) -> int | None:
    value = int(said.get(setting, -1))
    return value if value >= 0 else None


def _said(settings: Settings, topic: str) -> Mapping[str, str]:
    """The topic's configuration; nothing where it cannot be read."""
    return _all_said(settings, [topic])[topic]


def _all_said(settings: Settings, topics: Collection[str]) -> dict[str, Mapping[str, str]]:
    admin = build(AdminClient, client_properties(settings))
    asked = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    until_s = time.monotonic() + 2 * _TIMEOUT_S
    found: dict[str, Mapping[str, str]] = {topic: {} for topic in topics}
    for resource, answer in admin.describe_configs(asked, request_timeout=_TIMEOUT_S).items():
        try:
            entries = answer_of(answer, max(0.0, until_s - time.monotonic()))
        except KafkaException:
            continue
        found[resource.name] = {name: entry.value for name, entry in entries.items() if entry.value is not None}
    return found
