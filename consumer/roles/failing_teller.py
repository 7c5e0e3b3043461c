"""Tells a tenant that the endpoint of one of its webhooks fails, and later that it does no more.

The law: what was told stands in the webhook's health, once its notices are acknowledged; so a crash tells it again,
under the same id, and nothing else does. About whom it decides, and when, is the suspender's rule too
(`at_the_end.py`).
"""

from collections.abc import Callable

import structlog

from consumer.control.notices import Notices
from consumer.control.owner import owner_of
from consumer.kafka.writing import NewRecord
from consumer.log.failing import Tidings, event_of, tidings_of
from consumer.log.health import Health
from consumer.roles.at_the_end import AtTheEnd
from consumer.telemetry.counters import counters
from consumer.webhooks.subscription import Status, Subscription

_log = structlog.get_logger("log")


class FailingTeller:
    """Belongs to one thread. `find` gives a webhook as it is now; `write` calls back when a record is acknowledged.

    `told` notes in a webhook's health what its owner was told: since when it fails, or (None) that this is over.
    """

    def __init__(
        self,
        find: Callable[[str], Subscription | None],
        notices: Notices,
        write: Callable[[NewRecord, Callable[[], None]], None],
        told: Callable[[int, str, int | None], None],
    ) -> None:
        self._find = find
        self._notices = notices
        self._write = write
        self._told = told
        self._due = AtTheEnd()
        self._telling: set[str] = set()

    def heard(self, name: str, health: Health, partition: int, end: Callable[[], int | None]) -> None:
        """A webhook was tried, which left it with this health."""
        if name not in self._telling and tidings_of(health) is not None:
            self._due.put(name, partition, end)

    def decide(self, read_to: Callable[[int], int | None], health_of: Callable[[int, str], Health | None]) -> None:
        """Tell of whoever still fails, or still does not, where the partition was read to its end."""
        for name, partition in self._due.take(read_to):
            health, subscription = health_of(partition, name), self._find(name)
            tidings = None if health is None else tidings_of(health)
            if health is None or tidings is None or subscription is None or subscription.status is not Status.ACTIVE:
                continue
            self._tell(tidings, subscription, health, partition)

    def _tell(self, tidings: Tidings, subject: Subscription, health: Health, partition: int) -> None:
        event = event_of(tidings, subject, health)
        records = self._notices.of(event, owner_of(subject))
        open_ = len(records)

        def written() -> None:
            nonlocal open_
            open_ -= 1
            if open_ <= 0:
                self._telling.discard(subject.id)
                self._told(partition, subject.id, None if tidings.over else tidings.since_ms)

        self._telling.add(subject.id)
        for record, _ in records:
            self._write(record, written)
        if not records:
            written()  # nobody asked for it: it is told all the same
        counters.add("failures_told")
        to = sum(number for _, number in records)
        _log.info(
            "failing told" if not tidings.over else "recovery told", webhook=subject.id, tenant=subject.tenant, to=to
        )
