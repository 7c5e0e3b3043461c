"""Suspends the webhooks whose endpoints have failed for too long.

The laws:
- whether to suspend is decided when the log was read as far as it went at the failure that made it due, never by old
  failures while later successes are still unread;
- the suspension is a change of the webhook as it is known here. Where somebody changed it meanwhile the rule of
  versions refuses the suspension, and the next failure decides anew.
"""

from collections.abc import Callable
from typing import Final

import structlog

from consumer.kafka.writing import NewRecord
from consumer.log.health import Health
from consumer.log.suspension import Rule, is_due, reason_of, suspends
from consumer.roles.at_the_end import AtTheEnd
from consumer.telemetry.counters import counters
from consumer.webhooks import draft
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.subscription import Subscription

_log = structlog.get_logger("log")

_REMEMBERED: Final = 10_000


class Suspender:
    """Belongs to one thread. `find` gives a webhook as it is now; `write` calls back when it is acknowledged."""

    def __init__(
        self,
        find: Callable[[str], Subscription | None],
        write: Callable[[NewRecord, Callable[[], None]], None],
        *,
        topic: str,
        rule: Rule,
        now_ms: Callable[[], int],
    ) -> None:
        self._find = find
        self._write = write
        self._topic = topic
        self._rule = rule
        self._now_ms = now_ms
        self._due = AtTheEnd()
        self._asked: dict[str, int] = {}

    def failed(self, name: str, health: Health, partition: int, end: Callable[[], int | None]) -> None:
        """A webhook's attempt failed and left it with this health. `end` says where the partition ends, if known."""
        if is_due(health, self._rule):
            self._due.put(name, partition, end)

    def decide(self, read_to: Callable[[int], int | None], health_of: Callable[[int, str], Health | None]) -> None:
        """Suspend whoever is still due where the partition was read to the end that was waited for.

        `read_to` says how far a partition was read, None where it is not ours any more.
        """
        for name, partition in self._due.take(read_to):
            health = health_of(partition, name)
            if health is not None and is_due(health, self._rule):
                self._judge(name, health)

    def _judge(self, name: str, health: Health) -> None:
        subscription = self._find(name)
        if subscription is None or not suspends(subscription, health, self._rule):
            return
        if self._asked.get(name) == subscription.revision:
            return  # written, and not read back yet
        if len(self._asked) >= _REMEMBERED:
            self._asked.clear()
        self._asked[name] = subscription.revision
        reason = reason_of(health)
        suspended = draft.suspend(subscription, reason=reason, now_ms=self._now_ms())
        record = rewrite_of(suspended)
        new = NewRecord(topic=self._topic, key=record.key, value=record.value, headers=record.headers)

        def written() -> None:
            counters.add("suspended")
            _log.warning("webhook suspended", webhook=name, tenant=suspended.tenant, reason=reason)

        self._write(new, written)
