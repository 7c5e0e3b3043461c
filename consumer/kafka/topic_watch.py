"""Which of the chosen topics there are, and which incarnation each of them is, looked up again and again.

The law: a topic that was deleted and made anew under its name is another topic. Its records have offsets of their own,
and nothing else in Kafka's answers tells: only its id does.

A broker that has just come back may know less than the others. So a topic is gone only when it was not found three
times in a row, and an id that was replaced is never believed again.
"""

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from consumer.kafka.asked import answer_of
from consumer.kafka.client import KafkaBroken, broken, error_of
from consumer.kafka.dealing import Dealing
from consumer.kafka.selection import Selection
from consumer.settings import Settings
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")

_ASK_S: Final = 6.0  # less than a role has to end, also when Kafka falls silent just before
_EVERY_S: Final = 1.0
_LIST_EVERY_S: Final = 5.0
_SHARE: Final = 20  # a look takes at most this part of the time
_GONE_AFTER: Final = 3
_LEAVE_S: Final = 0.2  # of a drain; a thread that waits for a broker that is away is left behind
_ABSENT: Final = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_EXCEPTION})


class TopicWatch:
    """A thread of its own; `found` and `ask` may be called from any. It looks once `start` was called.

    A broker that does not tell what its topics are, `describes` false, is asked for their names: their ids are "".
    """

    def __init__(self, admin: AdminClient, selection: Selection, *, group: str | None, describes: bool) -> None:
        self._selection = selection
        self._describes = describes
        self._dealing = None if group is None else Dealing(admin, group)
        self.unread: frozenset[str] = frozenset()  # topics that the group deals out to nobody, as of the last look
        self._admin = admin
        self._closing = threading.Event()
        self._look_now = threading.Event()
        self._away = Outage(_log, "topics not looked up")
        self._denied: set[str] = set()
        self._state = Incarnations()
        self._bug: Exception | None = None
        self._listed: tuple[str, ...] = ()
        self._list_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name="topic watch", daemon=True)

    @property
    def found(self) -> Mapping[str, str] | None:
        """The id of each chosen topic that exists, as of the last look; None before the first.

        Raises:
            Exception: a bug, after which nothing is looked up any more.
        """
        if self._bug is not None:
            raise self._bug
        return self._state.found

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def choose(self, selection: Selection) -> None:
        """Look at these from now on, and at once."""
        self._selection = selection
        self._look_now.set()

    def close(self) -> None:
        """Stop looking at the topic's id."""
        self._closing.set()
        self._look_now.set()
        if self._thread.is_alive():
            self._thread.join(_LEAVE_S)

    def ask(self, topics: Iterable[str]) -> Mapping[str, str]:
        """The ids of these topics now; of what does not exist, or may not be described, there is none.

        Raises:
            KafkaBroken: the broker could not be asked.
        """
        names = sorted(topics)
        if not names:
            return {}
        return self._described(names) if self._describes else dict.fromkeys({*names} & {*self._existing()}, "")

    def _described(self, names: list[str]) -> Mapping[str, str]:
        ids: dict[str, str] = {}
        asked = self._admin.describe_topics(TopicCollection(names), request_timeout=_ASK_S)
        for name, answer in asked.items():
            try:
                described = answer_of(answer, 2 * _ASK_S)
            except KafkaException as exception:
                error = error_of(exception)
                if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                    self._deny(name)
                elif error.code() not in _ABSENT:
                    raise broken(error, f"asking what {name} is") from None
            else:
                self._denied.discard(name)
                ids[name] = str(described.topic_id)
        return ids

    def look(self) -> None:
        """Look once.

        Raises:
            KafkaBroken: the broker could not be asked.
        """
        ids = self.ask({*self._selection.names, *self._matching()})
        if self._dealing is not None and self._describes and ids:
            self.unread = self._dealing.unread(ids)
        self._state.looked(ids)

    def _matching(self) -> tuple[str, ...]:
        """What the expressions match; a list of all topics is long, so it is asked for more seldom."""
        if self._selection.expressions and time.monotonic() >= self._list_at_s:
            self._listed = self._selection.among(self._existing())
            self._list_at_s = time.monotonic() + _LIST_EVERY_S
        return self._listed

    def _existing(self) -> list[str]:
        try:
            listed = self._admin.list_topics(timeout=_ASK_S).topics
        except KafkaException as exception:
            raise broken(error_of(exception), "asking for the topics there are") from None
        return [name for name, each in listed.items() if each.error is None]

    def _deny(self, name: str) -> None:
        if name not in self._denied:
            self._denied.add(name)
            _log.warning("topic not read", topic=name, reason=f"no ACL allows READ and DESCRIBE on topic {name}")

    def _run(self) -> None:
        while True:
            self._look_now.clear()
            if self._closing.is_set():
                return
            began_s = time.monotonic()
            try:
                self.look()
            except KafkaBroken as error:
                self._away.met(error=str(error))
            except Exception as error:  # noqa: BLE001 # a bug, raised in the thread that reads what was found
                self._bug = error
                return
            else:
                self._away.over()
            self._look_now.wait(max(_EVERY_S, (time.monotonic() - began_s) * (_SHARE - 1)))


def ids_of(settings: Settings, admin: AdminClient, topics: Collection[str]) -> Mapping[str, str]:
    """See `TopicWatch.ask`, for whoever asks once."""
    names = Selection(names=tuple(topics))
    return TopicWatch(admin, names, group=None, describes=not settings.trust_broker).ask(topics)


class Incarnations:
    """What several looks say together. Pure."""

    def __init__(self) -> None:
        self.found: Mapping[str, str] | None = None
        self._missed: dict[str, int] = {}
        self._former: dict[str, set[str]] = {}

    def looked(self, ids: Mapping[str, str]) -> None:
        """These ids were found in the latest look."""
        found = dict(self.found or {})
        for name in [name for name in found if name not in ids]:
            self._missed[name] = self._missed.get(name, 0) + 1
            if self._missed[name] >= _GONE_AFTER:
                del found[name]
        for name, topic_id in ids.items():
            self._missed.pop(name, None)
            if topic_id in self._former.get(name, ()):
                continue
            if found.get(name, topic_id) != topic_id:
                self._former.setdefault(name, set()).add(found[name])
            found[name] = topic_id
        self.found = found
