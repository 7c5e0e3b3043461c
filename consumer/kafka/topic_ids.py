"""Which topic of its name each followed one is: looked up once for all that a process follows.

The law: whoever joins hears of another incarnation as by a watch of its own (`topic_watch.py`).
"""

import threading
from collections import Counter
from typing import Final

from confluent_kafka.admin import AdminClient

from consumer.kafka.selection import Selection
from consumer.kafka.shared_admin import shared_admin
from consumer.kafka.topic_watch import TopicWatch
from consumer.settings import Settings

_lock: Final = threading.Lock()
_shared: "Final[dict[tuple[AdminClient, bool], _Shared]]" = {}


class TopicIds:
    """One topic's id, for who follows it, from then until `close`."""

    def __init__(self, settings: Settings, topic: str) -> None:
        """Join.

        Raises:
            ConfigurationError, KafkaBroken: see `client.build`.
        """
        self._topic = topic
        self._key = (shared_admin(settings), not settings.trust_broker)
        with _lock:
            self._watch = _shared.setdefault(self._key, _Shared(*self._key)).join(topic)
        self._joined = True

    @property
    def id(self) -> str | None:
        """As of the last look; None where that is not known.

        Raises:
            Exception: a bug, after which nothing is looked up any more.
        """
        return (self._watch.found or {}).get(self._topic) or None

    def close(self) -> None:
        """Leave. Who is the last one stops the looking."""
        with _lock:
            left, self._joined = self._joined, False
            if left and _shared[self._key].leave(self._topic):
                del _shared[self._key]
            else:
                return
        self._watch.close()


class _Shared:
    """The watch of all that follow with one client, and how many follow each topic. Under the lock."""

    def __init__(self, admin: AdminClient, describes: bool) -> None:  # of a key
        self._watch = TopicWatch(admin, Selection(names=()), group=None, describes=describes)
        self._followed: Counter[str] = Counter()

    def join(self, topic: str) -> TopicWatch:
        first = not self._followed
        self._followed[topic] += 1
        self._watch.choose(Selection(names=tuple(self._followed)))
        if first:
            self._watch.start()
        return self._watch

    def leave(self, topic: str) -> bool:
        """Whether nobody is left."""
        self._followed[topic] -= 1
        self._followed += Counter()  # without those that nobody follows
        self._watch.choose(Selection(names=tuple(self._followed)))
        return not self._followed
