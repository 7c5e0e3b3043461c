"""All webhooks under a new encryption key, while everything else goes on.

The law: what is counted as resealed was read back from the topic. The run is passes of the same step: read all
webhooks, seal again those that need it, write them; it ends with a pass that finds none. So a write that lost to
somebody else's is made again on the newer state, and a run that was stopped, wherever, is gone on with by the next.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, Protocol

from consumer.control.reseal import key_ids, resealed
from consumer.kafka.topic_writer import Place
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.subscription import Subscription

_BATCH: Final = 500
# Somebody who still seals with another key can make work for ever.
_PASSES: Final = 10


class Topic(Protocol):
    """The subscriptions topic."""

    def read(self) -> Mapping[str, Subscription]:
        """Every webhook that exists now, by id."""

    def write(self, subscription: Subscription) -> "Future[Place]":
        """Write a revision; the future's error is KafkaBroken."""


@dataclass(slots=True, kw_only=True)
class Summary:
    """How far a run came.

    `resealed` counts webhooks, `lost` the writes that came second and were made again; `left` are those not resealed
    yet. `uses` says for each key how many webhooks need it, as read last. `unreadable` are webhooks with a secret that
    no key of the ring opens, each with why. `last` is the tenant and the place of each partition's last write.
    """

    webhooks: int = 0
    resealed: int = 0
    lost: int = 0
    left: int = 0
    stopped: bool = False
    uses: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)
    last: dict[int, tuple[str, Place]] = field(default_factory=dict)


def reseal(
    topic: Topic,
    keyring: Keyring,
    *,
    now_ms: Callable[[], int],
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Summary:
    """Seal every webhook's secrets with the ring's first key. `progress` hears how many of how many are written.

    Raises:
        KafkaBroken: the topic could not be read or written; what was written until then holds.
    """
    summary = Summary()
    written: set[str] = set()
    for passes_left in reversed(range(_PASSES)):
        found = topic.read()
        due = _due(found, keyring, now_ms(), summary)
        summary.lost += len(written & due.keys())
        summary.resealed += len(written & found.keys() - due.keys())
        written = set()
        if not due or not passes_left or stop():
            break
        for start in range(0, len(due), _BATCH):
            if stop():
                break
            batch = list(due.values())[start : start + _BATCH]
            _write(topic, batch, summary)
            written |= {subscription.id for subscription in batch}
            progress(len(written), len(due))
    summary.stopped = stop()
    return summary


def _due(found: Mapping[str, Subscription], keyring: Keyring, now_ms: int, summary: Summary) -> dict[str, Subscription]:
    """The next revisions to write. The summary's counts are of this reading."""
    due: dict[str, Subscription] = {}
    summary.webhooks = len(found)
    summary.uses = Counter(key_id for subscription in found.values() for key_id in key_ids(subscription))
    summary.unreadable = {}
    for subscription in found.values():
        try:
            next_ = resealed(subscription, keyring, now_ms=now_ms)
        except SecretUnreadable as error:
            summary.unreadable[subscription.id] = str(error)
        else:
            if next_ is not subscription:
                due[subscription.id] = next_
    summary.left = len(due)
    return due


def _write(topic: Topic, batch: Sequence[Subscription], summary: Summary) -> None:
    writes = [(subscription.tenant, topic.write(subscription)) for subscription in batch]
    for tenant, write in writes:
        place = write.result()
        summary.last[place.partition] = (tenant, place)
