"""When each poison record was last written again: the fold of the jobs topic's `poison:` records.

The law: only what can be read is told of, so a mark that cannot be read is never forgotten.
"""

from collections.abc import Iterable
from contextlib import suppress

from consumer.events.event import Record
from consumer.kafka.republished import decode, republished_of
from consumer.wire import RecordCorrupt


class RepublishedMarks:
    """`apply` and `forget` are one thread's; another one may look."""

    def __init__(self) -> None:
        self._at_ms: dict[str, int] = {}

    def apply(self, record: Record) -> None:
        """Take a record of the jobs topic; those of other kinds are passed over."""
        poison_id = republished_of(record.key)
        if poison_id is None:
            return
        self._at_ms.pop(poison_id, None)
        if record.value is not None:
            with suppress(RecordCorrupt):
                self._at_ms[poison_id] = decode(record.value).at_ms

    def forget(self) -> None:
        """Begin anew: the topic is another one."""
        self._at_ms.clear()

    def outlived(self, before_ms: int, among: Iterable[str] | None = None) -> list[str]:
        """Those that were written again last before then, of these."""
        names = self._at_ms.copy() if among is None else among
        return [each for each in names if self._at_ms.get(each, before_ms) < before_ms]

    def drop(self, names: Iterable[str]) -> None:
        """These are deleted from the topic."""
        for each in names:
            self._at_ms.pop(each, None)
