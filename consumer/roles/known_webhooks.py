"""The webhooks as they are now, as far as this process has read their topic."""

import time
from typing import Final

from consumer.control.directory import Directory
from consumer.kafka.topics import Topics
from consumer.kafka.view import TopicView
from consumer.settings import Settings
from consumer.webhooks.subscription import Status

_READY_S: Final = 0.02


class KnownWebhooks:
    """A directory, and the view that keeps it up to date."""

    def __init__(self, settings: Settings) -> None:
        self.directory = Directory()
        self.view = TopicView(settings, Topics.of(settings).subscriptions, self.directory)

    def ready_within(self, timeout_s: float) -> bool:
        """Whether all was read that the topic held; waits a little."""
        self.view.reached({}, 0.0)
        until_s = time.monotonic() + timeout_s
        while not self.view.ready and time.monotonic() < until_s:
            time.sleep(_READY_S)
        return self.view.ready

    def active_since_ms(self, name: str) -> int:
        """See `folding.Webhooks`."""
        subscription = self.directory.find(name)
        return subscription.status_since_ms if subscription and subscription.status is Status.ACTIVE else 0

    def exists(self, name: str) -> bool:
        """See `folding.Webhooks`."""
        return not self.view.ready or name in self.directory
