"""One consumed record until all it produced has ended.

The law: a record is finished when its last part is closed, and its part for itself is closed after all others were
opened. Otherwise a record whose first delivery ends at once would be finished before its second one exists.
"""

from consumer.delivery.offsets import Window
from consumer.events.event import Record


class Entry:
    """One consumed record until all it produced has ended: deliveries sent, records acknowledged.

    `open` counts its parts. It begins with one, for itself, which is closed when all others have been opened.
    `size` is what it weighs as long as it has not ended, in bytes.
    `begun`: something of it was sent, written or had ended, so that reading it again is not the same as never.
    `record`: its bytes, for as long as they may have to be written to poison.
    """

    __slots__ = ("begun", "offset", "open", "record", "size", "window")

    def __init__(self, window: Window, offset: int, size: int = 0) -> None:
        self.window = window
        self.offset = offset
        self.size = size
        window.bytes += size
        window.taken.bytes += size
        self.record: Record | None = None
        self.open = 1
        self.begun = False

    @property
    def has_ended(self) -> bool:
        """Whether all that it produced has ended."""
        return self.open == 0

    def weigh(self, size: int) -> None:
        """It weighs so much more, until it ends or its partition goes."""
        self.size += size
        self.window.bytes += size
        self.window.taken.bytes += size

    def open_one(self) -> None:
        """It has one more part, which has to end before it does."""
        self.open += 1

    def opened_all(self) -> None:
        """No other part of it is to come: that for itself is closed."""
        if self.open > 1:
            self.open -= 1
        else:
            self.close_one()

    def lined_up(self) -> None:
        """A delivery of it goes on in the ordered topic."""

    def close_one(self, delivery_id: str | None = None) -> None:
        """One of its parts has ended, this delivery for good when it is named; with the last one the record has."""
        self.open -= 1
        if self.window.closed:
            return
        if self.open == 0:
            self.window.finish(self.offset)
            self.window.bytes -= self.size
            self.window.taken.bytes -= self.size
            if self.window.beside is not None:
                self.window.beside.has_ended(self)
        elif delivery_id is not None:
            self.window.part_ended(self.offset, delivery_id)
