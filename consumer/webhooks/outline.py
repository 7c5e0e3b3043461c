"""A record of the subscriptions topic as far as the projection looks at it: which webhook, which revision, its bytes.

The law: what has an outline is what `record.state_of` reads, with the same refusals, and two outlines are equal where
the subscriptions are. The webhook itself, of 34 values, is made only where somebody needs it.
"""

from typing import TypeAlias

import msgspec

from consumer.events.event import RecordHeaders
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.record import decode, encode, is_current, read, read_under_id


class Outline(msgspec.Struct, frozen=True, eq=False):
    """A subscription. `value` is its record's value, under the schema that is written now."""

    id: str
    tenant: str
    changes: int
    revision: int
    value: bytes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Outline):
            return NotImplemented
        # Equal bytes say the same, and others may: Avro has several encodings of one array.
        return self.value == other.value or decode(self.value) == decode(other.value)

    __hash__ = None  # type: ignore[assignment] # as of whatever may be equal in several forms


Known: TypeAlias = Outline | Deletion
"""A state, as far as the projection looks at it."""


def outline_of(key: bytes | None, value: bytes | None, headers: RecordHeaders) -> Known:
    """Read a record of the subscriptions topic.

    Raises:
        RecordCorrupt: neither a subscription under its own id nor a deletion with its headers.
    """
    return read_under_id(outline_of_value, key, value, headers)


def outline_of_value(value: bytes) -> Outline:
    """Read a subscription's record.

    Raises:
        RecordCorrupt: it is none.
    """
    row = read(value)
    if not is_current(value):
        value = encode(decode(value))
    return Outline(row["id"], row["tenant"], row["changes"], row["revision"], value)


def whole(known: Known) -> State:
    """The state itself."""
    return decode(known.value) if isinstance(known, Outline) else known
