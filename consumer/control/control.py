"""Everything one process of the API stands on: the views of the topics, the writer, the keyring.

The law: after `fresh` every write that was acknowledged to anybody before the call is seen here, webhooks and keys
alike.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from consumer.brands.brand import TEST
from consumer.control.api_keys import ApiKeys
from consumer.control.applied import CacheWatch
from consumer.control.barrier import Barrier
from consumer.control.directory import Directory
from consumer.control.errands import Errands
from consumer.control.idempotency import Idempotency
from consumer.control.key_directory import KeyDirectory
from consumer.control.one_attempt import OneAttempt, logging_by
from consumer.control.portal_ending import PortalEnding
from consumer.control.portal_ends import PortalEnds
from consumer.control.resend_now import Again, ResendNow
from consumer.control.topic_store import TopicStore
from consumer.control.trial import Trial, Trials
from consumer.control.webhooks import Webhooks
from consumer.data_keys.keys import TenantKeys
from consumer.data_keys.sealing import patient
from consumer.kafka.ends import EndsReader
from consumer.kafka.topic_writer import TopicWriter
from consumer.kafka.topics import Topics
from consumer.kafka.view import TopicView
from consumer.log.archive import Kept
from consumer.settings import Settings
from consumer.standings.replaced import ReplacedStore, ReplacedTeller
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Subscription


class Control:
    """For many threads. Entering starts it; leaving waits for what is being written."""

    def __init__(self, settings: Settings) -> None:
        """Build the clients.

        Raises:
            ConfigurationError: Kafka's properties, Redis' URL or the encryption keys are wrong.
        """
        topics = Topics.of(settings)
        directory = Directory()
        errands = Errands()
        self.settings = settings
        self.keyring = Keyring.from_settings(settings)
        self.keys = KeyDirectory()
        self.portal_ends = PortalEnds()
        self._cache = CacheWatch(settings)
        self._webhooks_view = TopicView(settings, topics.subscriptions, directory)
        self._state_view = TopicView(settings, topics.state, self.keys, errands, self.portal_ends)
        self._ends = EndsReader(settings, (topics.subscriptions, topics.state))
        self.writer = TopicWriter(settings)
        self._barrier = Barrier(self._ends.read, (self._webhooks_view, self._state_view))
        store = TopicStore(
            topics.subscriptions, directory=directory, view=self._webhooks_view, writer=self.writer, cache=self._cache
        )
        self.webhooks = Webhooks(settings, keyring=self.keyring, directory=directory, store=store)
        self.api_keys = ApiKeys(topics.state, directory=self.keys, writer=self.writer, fresh=self.fresh)
        self.portal_ending = PortalEnding(
            topics.state, keyring=self.keyring, ends=self.portal_ends, writer=self.writer, now_ms=_now_ms
        )
        self.once = Idempotency(
            topics.state, errands=errands, keyring=self.keyring, view=self._state_view, writer=self.writer
        )
        self.tenant_keys = TenantKeys(settings, self.keyring)
        sealing = patient(settings, self.tenant_keys)
        one_attempt = OneAttempt(settings, self.keyring, logging_by(self.writer), sealing=sealing)
        self._trials = Trials(settings, one_attempt)
        self._replaced = ReplacedTeller(ReplacedStore.from_settings(settings))
        self._resends = ResendNow(one_attempt, self._replaced.tell)

    def __enter__(self) -> Self:
        self._webhooks_view.start()
        self._state_view.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        del kind, error, traceback
        # At once: where a broker is away each takes its time, and a process has to end.
        parts = (
            self.writer, self._barrier, self._webhooks_view, self._state_view, self._cache, self._replaced,
            self.tenant_keys,
        )  # fmt: skip
        with ThreadPoolExecutor(len(parts)) as pool:
            for closed in [pool.submit(part.close) for part in parts]:
                closed.result()

    @property
    def ready(self) -> bool:
        """Whether everything was read that the topics held at the start."""
        return self._webhooks_view.ready and self._state_view.ready

    def fresh(self, timeout_s: float = 2.0) -> None:
        """Wait until every write acknowledged before this call is seen here.

        Raises:
            KafkaBroken: Kafka did not answer in time.
        """
        self._barrier.wait(timeout_s)

    def try_out(self, subscription: Subscription, event_type: str = TEST, data: bytes | None = None) -> Trial:
        """Send the webhook a test event and wait for what comes of it. See `Trials.try_out`."""
        return self._trials.try_out(subscription, event_type, data)

    def resend_now(self, subscription: Subscription, again: Again, *, delivered: bool) -> Kept:
        """Send a delivery again and wait for what comes of it. See `ResendNow.send`."""
        return self._resends.send(subscription, again, delivered=delivered)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
