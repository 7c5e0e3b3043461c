"""What the customer of a webhook is told of its backlog: `webhook.behind`, and `webhook.caught_up` when that is over.

The laws:
- which of them, and when, the standing says (`exchange.py`): to one process at a time, and to another when that one
  does not say within ten seconds that it is told;
- it is told when Kafka has the notices. Who is told twice has the same id twice: it is made of the webhook and of a
  number that is never given again;
- those are told that name the type or `webhook.*`, as for a suspension (`log/suspension.py`).
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

import msgspec

from consumer.brands.brand import BEHIND, CAUGHT_UP
from consumer.delivery.account import Account
from consumer.delivery.delivery import Chunk
from consumer.delivery.endings import Endings
from consumer.delivery.known import Known
from consumer.delivery.offsets import Entry, Window
from consumer.delivery.standing import Standing, Tell
from consumer.delivery.step import Delay
from consumer.events.event import Event
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.subscription import Status, Subscription

_CHUNK: Final = 100


class Tidings:
    """`known` is the newest view of a tenant: where there is none, another process tells."""

    def __init__(self, endings: Endings, known: Callable[[str], Known | None]) -> None:
        self._endings = endings
        self._known = known
        self._nowhere = Window(("", 0))  # no record of a topic ends with them
        self._nowhere.closed = True

    def tell(self, now_ms: int, account: Account) -> None:
        """Tell what the account's standing says is to be told."""
        standing = account.to_be_told
        known = self._known(account.tenant)
        if standing is None or known is None:
            return
        target = known.target(account.subscription_id)
        entry = Entry(self._nowhere, 0)
        if target is not None:
            event = notice(target.subscription, standing, now_ms)
            for ids in _asking(known, target.subscription, event):
                chunk = Chunk(event=event, subscription_ids=ids, first_due_ms=now_ms)
                self._endings.write(entry, Delay(tier=0, delayed=chunk))
        entry.close_one()
        account.telling(standing.telling, entry)


def notice(subject: Subscription, standing: Standing, now_ms: int) -> Event:
    """The event. Of the webhook's URL the origin alone is told: paths and queries are often credentials."""
    parts = urlsplit(subject.url)
    data: dict[str, str | int] = {
        "id": subject.id,
        "name": subject.name,
        "origin": f"{parts.scheme}://{parts.netloc}",
    }
    if standing.tell is Tell.BEHIND:
        data |= {"waiting": standing.waiting, "until": rfc3339(int(now_ms + standing.until_ms))}
    kind = BEHIND if standing.tell is Tell.BEHIND else CAUGHT_UP
    return Event(
        id=f"{kind.rpartition('.')[2]}-{subject.id}-{standing.telling}",
        type=kind,
        tenant=subject.tenant,
        product=subject.product,
        time_ms=now_ms,
        data=msgspec.json.encode(data),
        topic="",
        partition=0,
        offset=standing.telling,
        timestamp_ms=0,
    )


def asks_for(subscription: Subscription, kind: str) -> bool:
    """Whether it is to have what Hookline itself sends of this type: `*` stands for every event of the producers."""
    return subscription.status is Status.ACTIVE and not {kind, kind.rpartition(".")[0] + ".*"}.isdisjoint(
        subscription.event_types
    )


def _asking(known: Known, subject: Subscription, event: Event) -> Iterator[tuple[str, ...]]:
    matching = (target.subscription for target in known.match(event))
    return chunks(each.id for each in matching if each.brand == subject.brand and asks_for(each, event.type))


def chunks(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """So many at a time as a chunk may have."""
    rest = iter(ids)
    while part := tuple(islice(rest, _CHUNK)):
        yield part
