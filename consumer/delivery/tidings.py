"""What a webhook's customer is told: `webhook.behind`, `webhook.caught_up` when that is over, and `webhook.blocked`.

The laws:
- which of the first two, and when, the standing says (`exchange.py`): to one process at a time, and to another when
  that one does not say within ten seconds that it is told;
- of a key that has stopped whoever stopped it tells, and again whoever finds it stopped anew after a crash;
- it is told when Kafka has the notices. Who is told twice has the same id twice: it is made of the webhook and of a
  number that is never given again, or of the delivery and its attempts;
- those are told that name the type or `webhook.*`, as for a suspension (`log/suspension.py`).
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

import msgspec

from consumer.brands.brand import BEHIND, BLOCKED, CAUGHT_UP
from consumer.delivery.account import Account
from consumer.delivery.delivery import Chunk, Delivery
from consumer.delivery.endings import Endings
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Window
from consumer.delivery.standing import Standing, Tell
from consumer.delivery.step import Delay
from consumer.delivery.views import View
from consumer.events.event import Event
from consumer.json import Json
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.subscription import Status, Subscription

_CHUNK: Final = 100


class Tidings:
    """`view_of` gives the newest view of a tenant: where there is none, another process tells."""

    def __init__(self, endings: Endings, view_of: Callable[[str], View | None]) -> None:
        self._endings = endings
        self._view_of = view_of
        self._nowhere = Window(("", 0))  # no record of a topic ends with them
        self._nowhere.closed = True

    def tell(self, now_ms: int, account: Account) -> None:
        """Tell what the account's standing says is to be told."""
        standing = account.to_be_told
        view = self._view_of(account.tenant)
        if standing is None or view is None:
            return
        target = view.target(account.subscription_id)
        entry = Entry(self._nowhere, 0)
        if target is not None:
            event = notice(target.subscription, standing, now_ms)
            for chunk in told(view, target.subscription, event, now_ms):
                self._endings.write(entry, Delay(tier=0, delayed=chunk))
        entry.close_one()
        account.telling(standing.telling, entry)


def notice(subject: Subscription, standing: Standing, now_ms: int) -> Event:
    """The event."""
    data = about(subject)
    if standing.tell is Tell.BEHIND:
        data |= {"waiting": standing.waiting, "until": rfc3339(int(now_ms + standing.until_ms))}
    kind = BEHIND if standing.tell is Tell.BEHIND else CAUGHT_UP
    return _event(subject, f"{kind.rpartition('.')[2]}-{subject.id}-{standing.telling}", kind, data, now_ms)


def of_a_stop(subject: Subscription, delivery: Delivery, reason: str, now_ms: int) -> Event:
    """The event `webhook.blocked`: this delivery of the webhook was given up, and has stopped its key."""
    data = about(subject) | {"delivery": delivery.id, "event": delivery.event.id, "reason": reason}
    return _event(subject, f"blocked-{delivery.id}-{delivery.attempts}", BLOCKED, data, now_ms)


def about(subject: Subscription) -> dict[str, Json]:
    """What every event tells of the webhook. Of its URL the origin alone: paths and queries are often credentials."""
    parts = urlsplit(subject.url)
    return {"id": subject.id, "name": subject.name, "origin": f"{parts.scheme}://{parts.netloc}"}


def _event(subject: Subscription, name: str, kind: str, data: dict[str, Json], now_ms: int) -> Event:
    return Event(
        id=name,
        type=kind,
        tenant=subject.tenant,
        product=subject.product,
        time_ms=now_ms,
        data=msgspec.json.encode(data),
        topic="",
        partition=0,
        offset=0,
        timestamp_ms=0,
    )


def asks_for(subscription: Subscription, kind: str) -> bool:
    """Whether it is to have what Hookline itself sends of this type: `*` stands for every event of the producers."""
    return subscription.status is Status.ACTIVE and not {kind, kind.rpartition(".")[0] + ".*"}.isdisjoint(
        subscription.event_types
    )


def told(view: View, subject: Subscription, event: Event, now_ms: int) -> Iterator[Chunk]:
    """The notice of a webhook, as the spill topic takes it, for those of its tenant and brand that asked for it."""
    matching = (target.subscription for target in view.match(event))
    asking = (each.id for each in matching if each.brand == subject.brand and asks_for(each, event.type))
    for ids in chunks(asking):
        yield Chunk(event=event, subscription_ids=ids, first_due_ms=now_ms)


def chunks(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """So many at a time as a chunk may have."""
    rest = iter(ids)
    while part := tuple(islice(rest, _CHUNK)):
        yield part
