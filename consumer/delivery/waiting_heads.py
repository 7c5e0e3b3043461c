"""The heads of the ordered topic that wait for their time, found by their webhook, so that they can go forward.

The laws: a head is here exactly while it waits in its line, unless it has stopped its key; what failed and did not go
forward is looked at again when its webhook has recovered again.
"""

from collections.abc import Callable

from consumer.delivery.delivery import Delivery
from consumer.delivery.order_partition import KeyLine


class WaitingHeads:
    """For one process, by subscription id. `used`: whether any head ever waited."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[KeyLine, None]] = {}
        self._passed: dict[str, dict[KeyLine, None]] = {}
        self.used = False

    def put(self, line: KeyLine) -> None:
        """The head of this line waits."""
        head = line.queue[0].delivery
        if head.stopped_ms is None:
            self.used = True
            self._waiting.setdefault(head.subscription_id, {})[line] = None

    def leave(self, line: KeyLine) -> None:
        """The head of this line waits no longer, for whatever reason."""
        if not line.queue:
            return
        webhook = line.queue[0].delivery.subscription_id
        for lines in (self._waiting, self._passed):
            of_webhook = lines.get(webhook)
            if of_webhook is not None and line in of_webhook:
                del of_webhook[line]
                if not of_webhook:
                    del lines[webhook]

    def holds(self, webhook: str) -> bool:
        """Whether there is anything of this webhook to look at."""
        return webhook in self._waiting

    def recovered(self, webhook: str) -> None:
        """All that waits for this webhook may be looked at, the oldest event first."""
        lines = [*self._waiting.pop(webhook, ()), *self._passed.pop(webhook, ())]
        if lines:
            lines.sort(key=_age)
            self._waiting[webhook] = dict.fromkeys(lines)

    def forward(self, webhook: str, most: int, may: Callable[[Delivery], bool]) -> list[KeyLine]:
        """At most so many lines whose heads go forward now: they leave."""
        waiting = self._waiting.get(webhook, {})
        taken: list[KeyLine] = []
        for line in list(waiting):
            if len(taken) >= most:
                break
            if may(line.queue[0].delivery):
                self.leave(line)
                taken.append(line)
            else:
                del waiting[line]
                self._passed.setdefault(webhook, {})[line] = None
        if not waiting:
            self._waiting.pop(webhook, None)
        return taken


def _age(line: KeyLine) -> int:
    return line.queue[0].delivery.first_due_ms
