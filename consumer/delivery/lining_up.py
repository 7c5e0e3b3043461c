"""The deliveries of ordered webhooks on their way to their lines, in the order of their events.

The law: a delivery is put into its line (`direct.py`) when every earlier event of its partition that may be of its
tenant is matched, and ended or put there itself. So a line has a key's deliveries as the event topic has its events.

An event that waits for its schema may be of any tenant. One that is put off is matched later, elsewhere: nothing waits
for it any more.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from consumer.delivery.delivery import Delivery
from consumer.delivery.direct import Direct
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Window


class _Put(NamedTuple):
    """What waits for its turn. It `may` be sent without the ordered topic."""

    entry: Entry
    delivery: Delivery
    may: bool


@dataclass(slots=True)
class _Unmatched:
    """Of one window: the events that wait to be matched, with their tenants, and the deliveries behind them."""

    events: dict[int, str | None] = field(default_factory=dict)
    behind: list[_Put] = field(default_factory=list)

    def precede(self, entry: Entry, tenant: str) -> bool:
        """Whether an earlier event may be of this tenant."""
        return any(offset < entry.offset and other in (None, tenant) for offset, other in self.events.items())


class LiningUp:
    """`waiting` is empty, and nothing has a cost, while every event is matched as it is read."""

    def __init__(self, direct: Direct) -> None:
        self._direct = direct
        self.waiting: dict[Window, _Unmatched] = {}

    def waits(self, entry: Entry, tenant: str | None) -> None:
        """This event waits to be matched; its tenant is not known while its schema is not."""
        self.waiting.setdefault(entry.window, _Unmatched()).events[entry.offset] = tenant

    def matched(self, entry: Entry) -> None:
        """It was matched, or ended without, and what it has for ordered webhooks was `put`."""
        unmatched = self.waiting.get(entry.window)
        if unmatched is None or unmatched.events.pop(entry.offset, "") == "":
            return
        behind, unmatched.behind = unmatched.behind, []
        for put in sorted(behind, key=_offset):
            if unmatched.precede(put.entry, put.delivery.event.tenant):
                unmatched.behind.append(put)
            else:
                self._direct.put(put.entry, put.delivery, may=put.may)
        if not unmatched.events:
            del self.waiting[entry.window]

    def put(self, entry: Entry, delivery: Delivery, *, may: bool) -> None:
        """Put it into its line as soon as its turn has come; it ends a part of its record. `may`: see `Direct.put`."""
        unmatched = self.waiting.get(entry.window)
        if unmatched is not None and unmatched.precede(entry, delivery.event.tenant):
            unmatched.behind.append(_Put(entry, delivery, may))
        else:
            self._direct.put(entry, delivery, may=may)

    def drop_closed(self) -> None:
        """Forget what waits in windows that were lost."""
        self.waiting = {window: each for window, each in self.waiting.items() if not window.closed}


def _offset(put: _Put) -> int:
    return put.entry.offset
