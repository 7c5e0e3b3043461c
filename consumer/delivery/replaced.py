"""Deliveries of which no further try is wanted: they were sent again meanwhile, and that was accepted. Pure.

The law: what is told here only ever spares a duplicate. So it is bounded, and what was forgotten, or told too late, is
made once more.
"""

from collections.abc import Iterable
from typing import Final

from consumer.delivery.delivery import Delivery, Trigger, delivery_id, replay_id

MOST: Final = 50_000
"""That are kept in mind: 9 MB."""
TOLD_MOST: Final = 100
"""Of one chain's replays: the latest. A chain may be as long as HOOKLINE_MAX_REPLAYS says."""

_SENT_INSTEAD: Final = frozenset({Trigger.RESEND.value, Trigger.REPLAY.value})
"""A recovery sends only what waits nowhere."""


class Replaced:
    """The latest that were told of."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._names: dict[str, None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def heard(self, names: Iterable[str]) -> list[str]:
        """Of these deliveries no further try is wanted. Returns those that were not told of before."""
        new = [name for name in names if name not in self._names]
        self._names.update(dict.fromkeys(new))
        while len(self._names) > self._most:
            del self._names[next(iter(self._names))]
        return new


def replaced_by(delivery: Delivery) -> list[str]:
    """The ids of what may wait in vain when this delivery was accepted: those that it was sent instead of."""
    if delivery.trigger not in _SENT_INSTEAD or not delivery.replays:
        return []
    event, webhook = delivery.event, delivery.subscription_id
    original = delivery_id(event, webhook)
    latest = range(max(1, delivery.replays - TOLD_MOST), delivery.replays)
    replays = (replay_id(original, number) for number in latest)
    return [original, *(delivery_id(event, webhook, each) for each in replays)]
