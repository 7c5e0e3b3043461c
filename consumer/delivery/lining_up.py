"""The deliveries of ordered webhooks on their way to the ordered topic, in the order of their events.

The law: a delivery is written when every earlier event of its partition that may be of its tenant is matched, and ended
or written itself. So the topic has the deliveries of a key as the event topic has its events.

An event that waits for its schema may be of any tenant. One that is put off is matched later, elsewhere: nothing waits
for it any more.
"""

from dataclasses import dataclass, field

from consumer.delivery.delivery import Delivery
from consumer.delivery.endings import Endings
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Window


@dataclass(slots=True)
class _Unmatched:
    """Of one window: the events that wait to be matched, with their tenants, and the deliveries behind them."""

    events: dict[int, str | None] = field(default_factory=dict)
    behind: list[tuple[Entry, Delivery]] = field(default_factory=list)

    def precede(self, entry: Entry, tenant: str) -> bool:
        """Whether an earlier event may be of this tenant."""
        return any(offset < entry.offset and other in (None, tenant) for offset, other in self.events.items())


class LiningUp:
    """`waiting` is empty, and nothing has a cost, while every event is matched as it is read."""

    def __init__(self, endings: Endings) -> None:
        self._endings = endings
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
        for each, delivery in sorted(behind, key=_offset):
            if unmatched.precede(each, delivery.event.tenant):
                unmatched.behind.append((each, delivery))
            else:
                self._endings.line_up(each, delivery)
        if not unmatched.events:
            del self.waiting[entry.window]

    def put(self, entry: Entry, delivery: Delivery) -> None:
        """Write it as soon as its turn has come; it ends a part of its record."""
        unmatched = self.waiting.get(entry.window)
        if unmatched is not None and unmatched.precede(entry, delivery.event.tenant):
            unmatched.behind.append((entry, delivery))
        else:
            self._endings.line_up(entry, delivery)

    def drop_closed(self) -> None:
        """Forget what waits in windows that were lost."""
        self.waiting = {window: each for window, each in self.waiting.items() if not window.closed}


def _offset(put: tuple[Entry, Delivery]) -> int:
    return put[0].offset
