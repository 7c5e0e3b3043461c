"""The webhooks of a case, and the producers that publish for them.

The law: each webhook is the only one of its tenant and wants everything, so an event is one delivery.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from consumer.delivery.delivery import DeadLetter, Delivery
from consumer.webhooks.history import State
from tests.simulation.broker import EVENTS
from tests.simulation.capacity.case import Case, Webhook
from tests.simulation.customers import plain
from tests.simulation.ledger import Published
from tests.simulation.plan import HOUR_MS
from tests.simulation.timeline import START_MS

if TYPE_CHECKING:
    from tests.simulation.world import World

_EVERY_MS = 100  # what is published within so long is published together


def id_of(number: int) -> str:
    """The id of a case's webhook."""
    return f"wh_{number}"


class CaseCustomers:
    """Publishes what the case says, when it says so. `finished` once all is published; `last_ms`: when."""

    def __init__(self, world: "World", case: Case) -> None:
        self._world = world
        self._payload = {id_of(number): b"x" * each.payload_bytes for number, each in enumerate(case.webhooks)}
        self._arrivals = sorted(
            (at_ms, number) for number, webhook in enumerate(case.webhooks) for at_ms in webhook.arrivals()
        )
        self._next = 0
        self.last_ms = START_MS
        for number, webhook in enumerate(case.webhooks):
            self._make(number, webhook)
        world.timeline.after(0, self._publish_due)

    @property
    def finished(self) -> bool:
        """Whether all of it is published."""
        return self._next == len(self._arrivals)

    def met(self, state: State) -> None:
        """Nobody changes webhooks here."""

    def buried(self, dead_letter: DeadLetter) -> None:
        """It stays one."""

    def waits(self, delivery: Delivery) -> None:
        """None is sent again."""

    def stopped(self, webhook: str, delivery_id: str) -> None:
        """None has an order."""

    def host_of(self, webhook: str) -> str:
        """Where a webhook points."""
        return webhook.removeprefix("wh_") + ".example"

    def _make(self, number: int, webhook: Webhook) -> None:
        made = replace(
            plain(id_of(number), f"t{number}"),
            url=f"https://{number}.example/{id_of(number)}",
            timeout_ms=webhook.timeout_ms,
            rate_per_s=webhook.rate_per_s,
            max_concurrency=webhook.max_concurrency,
        )
        self._world.webhooks.applied(START_MS - HOUR_MS, made)
        self._world.redis.apply(made)

    def _publish_due(self) -> None:
        timeline = self._world.timeline
        due_ms = timeline.now_ms - START_MS
        while not self.finished and self._arrivals[self._next][0] <= due_ms:
            self._publish(self._next, self._arrivals[self._next][1])
            self._next += 1
        self.last_ms = timeline.now_ms
        if not self.finished:
            timeline.at(START_MS + max(self._arrivals[self._next][0], due_ms + _EVERY_MS), self._publish_due)

    def _publish(self, event_number: int, number: int) -> None:
        world = self._world
        webhook, tenant = id_of(number), f"t{number}"
        event = Published(
            id=f"evt_{event_number}",
            type="order.created",
            tenant=tenant,
            product=None,
            kind="a",
            data=b'{"n":%d,"kind":"a","x":"%s"}' % (event_number, self._payload[webhook]),
            at_ms=world.timeline.now_ms,
        )
        value = f'{{"id":"{event.id}","type":"{event.type}","tenant":"{tenant}","data":'.encode() + event.data + b"}"
        world.ledger.events[event.id] = event
        record = world.broker.append(EVENTS, b"%d" % event_number, value)
        place = (record.topic, record.partition), record.offset
        event.places[place] = world.broker.now_ms(place[0])
        world.ledger.at[place] = event
        world.history.add("producer", "published", event.id, f"{EVENTS}-{record.partition}@{record.offset}", tenant)
        world.laws.published(webhook, event)


def webhooks_of(case: Case) -> Sequence[tuple[str, Webhook]]:
    """Each with its id."""
    return [(id_of(number), webhook) for number, webhook in enumerate(case.webhooks)]
