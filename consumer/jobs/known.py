"""What whoever runs jobs has to know: the jobs topic and the subscriptions topic, both followed from their beginnings.

The law: after `catch_up` everything is known here that was acknowledged before it was called. So whoever has just
become the one writer knows all that a former one wrote, and decides nothing before.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from consumer.control.directory import Directory
from consumer.control.owner import Owner
from consumer.events.event import Record
from consumer.jobs.directory import Jobs
from consumer.kafka.client import KafkaBroken
from consumer.kafka.ends import EndsReader
from consumer.kafka.topics import Topics
from consumer.kafka.view import TopicView
from consumer.replay.generations import Generations
from consumer.replay.republished_marks import RepublishedMarks
from consumer.settings import Settings
from consumer.webhooks.subscription import Subscription

_ASK_S: Final = 4.0  # a role that is asked to end waits so long for a Kafka that is away
_CAUGHT_UP_S: Final = 10.0
_PART_S: Final = 0.2


class Bell:
    """Rings when anything was folded in. Behind the other folds of its view."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self.topics_made_anew = 0

    def apply(self, record: Record) -> None:
        """Ring."""
        del record
        self._rung.set()

    def forget(self) -> None:
        """The topic is another one."""
        self.topics_made_anew += 1
        self._rung.set()

    def wait(self, timeout_s: float, over: Callable[[], bool] = lambda: False) -> None:
        """Wait until it rang since the last call, at most so long, or until `over`."""
        until_s = time.monotonic() + timeout_s
        while not over() and (left_s := until_s - time.monotonic()) > 0:
            if self._rung.wait(min(left_s, _PART_S)):
                self._rung.clear()
                return


class KnownTopics:
    """Belongs to one thread, but for its folds; `directory` is the webhooks."""

    def __init__(self, settings: Settings) -> None:
        topics = Topics.of(settings)
        self.jobs = Jobs()
        self.generations = Generations()
        self.republished = RepublishedMarks()
        self.directory = Directory()
        self.bell = Bell()
        self._jobs_view = TopicView(settings, topics.jobs, self.jobs, self.generations, self.republished, self.bell)
        self._subscriptions = TopicView(settings, topics.subscriptions, self.directory, self.bell)
        self._ends = EndsReader(settings, (topics.jobs, topics.subscriptions))

    def start(self) -> None:
        """Begin to follow them."""
        self._jobs_view.start()
        self._subscriptions.start()

    def close(self) -> None:
        """Follow them no more."""
        self._jobs_view.close()
        self._subscriptions.close()

    def catch_up(self, stop: Callable[[], bool] = lambda: False, within_s: float = _CAUGHT_UP_S) -> None:
        """Wait until everything is known here that was acknowledged before; or until `stop` says so.

        Raises:
            KafkaBroken: the topics do not exist, may not be read, or were not read in time.
        """
        ends = self._ends.read(_ASK_S)
        until_s = time.monotonic() + within_s
        for view in (self._jobs_view, self._subscriptions):
            while not view.reached(ends[view.topic], _PART_S):
                if stop():
                    return
                if time.monotonic() > until_s:
                    raise KafkaBroken(f"{view.topic} was not read to its end within {within_s:g} s")

    def get(self, owner: Owner, webhook: str) -> Subscription | None:
        """One of this owner's webhooks."""
        return self.directory.get(owner, webhook)
