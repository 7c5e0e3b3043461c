"""What an installation has for those who ask for jobs straight from Kafka and Redis, put together in one place."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

from consumer.cli.direct_jobs import Lying
from consumer.cli.direct_webhooks import DirectWebhooks
from consumer.cli.exits import unavailable
from consumer.cli.reach import installation
from consumer.cli.webhook_port import Shown
from consumer.control.owner import Owner
from consumer.delivery.delivery import is_delivery_id
from consumer.jobs.conduct import Known
from consumer.jobs.desk import Desk
from consumer.jobs.job import Answered, Asked, Spot
from consumer.kafka.reading import read_to_end
from consumer.kafka.records import decode_dead_letter
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.log.query import Query, View
from consumer.log.reading import LogReader
from consumer.settings import Settings
from consumer.telemetry.bugs import decoded
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.subscription import Subscription
from consumer.wire import RecordCorrupt

_ONE: Final = 1


@contextmanager
def job_installation(settings: Settings, *, tenant: str | None, brand: str | None) -> Iterator["JobInstallation"]:
    """With a desk of its own.

    Raises:
        CommandFailed: 69, Kafka does not answer; 78, a topic is missing.
        KafkaBroken: the state topic could not be read.
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
            webhooks=DirectWebhooks(reached, tenant=tenant, brand=brand),
            show=shown,
            wished=asked_record,
            run=run_here,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInstallation:
    """See `direct_jobs.Installed`."""

    settings: Settings
    desk: Desk
    webhooks: DirectWebhooks
    show: Callable[[Known, Answered | None, int], Shown]
    wished: Callable[[str, Asked], NewRecord]
    run: Callable[..., Known | None]

    @property
    def most_replays(self) -> int:
        """See `Installed`."""
        return self.settings.max_replays

    def webhook(self, webhook: str) -> Subscription:
        """See `Installed`."""
        return self.webhooks.found(webhook)

    def lying(self, owner: Owner, ids: Collection[str], webhook: str | None) -> Mapping[str, Lying]:
        """See `Installed`. The log is asked first, and the dead letters are read for what it does not list.

        Raises:
            KafkaBroken: the dead letters could not be read.
            CommandFailed: 69, the log's Redis does not answer.
        """
        wanted = {each for each in ids if is_delivery_id(each)}
        found = self._listed(owner, wanted, webhook)
        left = wanted - found.keys()
        return {**self._dead(owner, left, webhook), **found} if left else found

    def shown(self, known: Known, answered: Answered | None, now_ms: int) -> Shown:
        """See `Installed`."""
        return self.show(known, answered, now_ms)

    def run_here(self, asked: Asked, *, stop: threading.Event, progress: Callable[[Known], None]) -> Known | None:
        """See `Installed`."""
        write_now(self.settings, [self.wished(Topics.of(self.settings).state, asked)])
        return self.run(self.settings, asked.id, progress=progress, stop=stop.is_set)

    def _listed(self, owner: Owner, ids: Collection[str], webhook: str | None) -> dict[str, Lying]:
        """Those that the log's index lists, at their latest attempts."""
        topic, of = Topics.of(self.settings).attempts, frozenset(() if webhook is None else (webhook,))
        found: dict[str, Lying] = {}
        with closing(LogReader(self.settings)) as lists:
            for each in ids:
                query = Query(webhooks=of, deliveries=frozenset({each}))
                try:
                    page = lists.page(View.DELIVERIES, tenant=owner.tenant, brand=owner.brand, query=query, limit=_ONE)
                except CacheUnavailable as error:
                    where = "HOOKLINE_LOG_REDIS_URL" if self.settings.log_redis_url else "HOOKLINE_REDIS_URL"
                    raise unavailable(f"no Redis answers where {where} says: {error}", field=where) from None
                for row in page.rows:
                    found[each] = Lying(webhook=row.webhook, spot=Spot(topic, row.partition, row.entry.offset))
        return found

    def _dead(self, owner: Owner, ids: Collection[str], webhook: str | None) -> dict[str, Lying]:
        """Those that were given up without an attempt, or so long ago that they are not listed."""
        found: dict[str, Lying] = {}
        for record in read_to_end(self.settings, Topics.of(self.settings).dead_letter):
            if record.value is None or (webhook is not None and record.key != webhook.encode()):
                continue
            try:
                dead = decoded(record, decode_dead_letter, record.value)
            except RecordCorrupt:
                continue  # `hookline dead-letters list` tells of it
            delivery = dead.delivery
            if delivery.id in ids and (delivery.event.tenant, dead.brand) == (owner.tenant, owner.brand):
                spot = Spot(record.topic, record.partition, record.offset)
                found[delivery.id] = Lying(webhook=delivery.subscription_id, spot=spot)
        return found


def _needed(topics: Topics) -> list[str]:
    return [topics.state, topics.subscriptions, topics.attempts, topics.dead_letter, topics.retry(0), topics.ordered]
