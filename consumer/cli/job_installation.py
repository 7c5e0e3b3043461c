"""What an installation has for those who ask for jobs straight from Kafka and Redis, put together in one place."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

from consumer.cli.deeds import tell
from consumer.cli.exits import unavailable
from consumer.cli.kept_webhooks import KeptWebhooks
from consumer.cli.reach import installation
from consumer.cli.webhook_port import Shown
from consumer.control.owner import Owner
from consumer.data_keys.opening import Opening
from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Record
from consumer.jobs.at_once import at_once
from consumer.jobs.conduct import AskedJob
from consumer.jobs.desk import Desk
from consumer.jobs.found import Found, found
from consumer.jobs.job import Answered, Asked
from consumer.jobs.kept_since import kept_since
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.log.archive import Archive
from consumer.log.reading import LogReader
from consumer.replay.dead_letters import Lying, lying, matching
from consumer.replay.filters import Filters
from consumer.settings import Settings
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.subscription import Subscription


@contextmanager
def job_installation(settings: Settings, *, tenant: str | None, brand: str | None) -> Iterator["JobInstallation"]:
    """With a desk of its own.

    Raises:
        CommandFailed: 69, Kafka does not answer; 78, a topic is missing.
        KafkaBroken: the jobs topic could not be read.
    """
    reached = installation(settings, _needed)
    from consumer.jobs.here import run_here  # noqa: PLC0415 # see `installation`: first somebody has to be there
    from consumer.jobs.record import asked_record  # noqa: PLC0415 # same
    from consumer.jobs.resource import shown  # noqa: PLC0415 # same
    from consumer.jobs.topic_desk import opened  # noqa: PLC0415 # same
    from consumer.log.job_counts import AnsweredReader  # noqa: PLC0415 # same

    with closing(AnsweredReader(reached)) as answered, opened(reached, answered) as desk:
        yield JobInstallation(
            settings=reached,
            desk=desk,
            webhooks=KeptWebhooks(reached, tenant=tenant, brand=brand),
            show=shown,
            wished=asked_record,
            run=run_here,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInstallation:
    """See `job_installed.Installed`."""

    settings: Settings
    desk: Desk
    webhooks: KeptWebhooks
    show: Callable[[AskedJob, Answered | None, int], Shown]
    wished: Callable[[str, Asked], NewRecord]
    run: Callable[..., AskedJob | None]

    @property
    def most_replays(self) -> int:
        """See `Installed`."""
        return self.settings.max_replays

    def webhook(self, webhook: str) -> Subscription:
        """See `Installed`."""
        return self.webhooks.found(webhook)

    def lying(self, owner: Owner, ids: Collection[str], webhook: str | None) -> Mapping[str, Found]:
        """See `Installed`. The log is asked first, and the dead letters are read for what it does not list.

        Raises:
            KafkaBroken: the dead letters could not be read.
            CommandFailed: 69, the log's Redis does not answer.
        """
        with self._reading() as lists:
            webhooks = frozenset(() if webhook is None else (webhook,))
            return found(lists, self._lying, owner, ids, webhooks, attempts=Topics.of(self.settings).attempts)

    def resend_now(self, owner: Owner, delivery: str, webhook: str | None, *, again: bool) -> Shown:
        """See `Installed`."""
        dead = partial(self._dead, owner, delivery)
        with self._reading() as lists, closing(Archive(self.settings)) as archive:
            told, delivered = at_once(lists, archive, dead, owner, delivery, webhook=webhook, again=again)
        from consumer.cli.direct_resend import resent_now  # noqa: PLC0415 # few need an HTTP engine

        return resent_now(self.settings, self.webhook(told.delivery.subscription_id), told, delivered=delivered)

    def kept_since(self, since_ms: int) -> int | None:
        """See `Installed`."""
        return kept_since(self.settings, since_ms)

    def tell(self, action: str, owner: Owner, *, target: str, made: str = "") -> None:
        """See `Installed`."""
        tell(self.settings, action, tenant=owner.tenant, brand=owner.brand, target=target, made=made)

    def shown(self, known: AskedJob, answered: Answered | None, now_ms: int) -> Shown:
        """See `Installed`."""
        return self.show(known, answered, now_ms)

    def run_here(self, asked: Asked, *, stop: threading.Event, progress: Callable[[AskedJob], None]) -> AskedJob | None:
        """See `Installed`."""
        write_now(self.settings, [self.wished(Topics.of(self.settings).jobs, asked)])
        return self.run(self.settings, asked.id, progress=progress, stop=stop.is_set)

    @contextmanager
    def _reading(self) -> Iterator[LogReader]:
        """The log's index. Raises CommandFailed: 69, its Redis does not answer."""
        try:
            with closing(LogReader(self.settings)) as lists:
                yield lists
        except CacheUnavailable as error:
            where = "HOOKLINE_LOG_REDIS_URL" if self.settings.log_redis_url else "HOOKLINE_REDIS_URL"
            raise unavailable(f"no Redis answers where {where} says: {error}", field=where) from None

    def _lying(self, filters: Filters) -> Iterator[Lying]:
        with closing(Opening.of(self.settings)) as opening:
            yield from lying(opening.records(self._records()), filters)

    def _dead(self, owner: Owner, delivery: str) -> DeadLetter | None:
        of = Filters(
            ids=frozenset({delivery}), tenants=frozenset({owner.tenant}), brands=frozenset({owner.brand})
        )  # fmt: skip
        with closing(Opening.of(self.settings)) as opening:
            return next(matching(opening.records(self._records()), of), None)

    def _records(self) -> Iterator[Record]:
        return read_to_end(self.settings, Topics.of(self.settings).dead_letter)


def _needed(topics: Topics) -> list[str]:
    return [topics.jobs, topics.subscriptions, topics.attempts, topics.dead_letter, topics.retry(0), topics.ordered]
