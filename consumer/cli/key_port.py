"""What the commands ask of API keys, answered by Kafka (`direct_keys.py`) or by the API (`remote_keys.py`).

The law: as `webhook_port.py` has it.
"""

from collections.abc import Collection, Iterator
from typing import Protocol

from consumer.cli.exits import CommandFailed, bad_input
from consumer.cli.webhook_port import Shown
from consumer.control.keys import ID_DIGITS, Scope


class KeyPort(Protocol):
    """The keys that a command may see, make and revoke.

    Each method may raise FieldInvalid and CommandFailed, for what cannot be done, and KafkaBroken or CommandFailed, for
    what is out of reach or not allowed.
    """

    def create(self, *, scopes: Collection[Scope] | None, name: str, lifetime_ms: int | None) -> Shown:
        """A new key and its text, shown this once. `scopes` of None are the usual ones as far as its maker has them.

        No lifetime is as long as the maker's: the operator's way, by Kafka, for ever.
        """

    def listed(self) -> Iterator[Shown]:
        """All of them, those that open nothing any more too, oldest first."""

    def revoke(self, key_id: str, *, with_descendants: bool) -> Shown:
        """One of them, opening nothing any more; nor those that it made, and they. Raises `key_unknown`."""


def key_unknown(key_id: str) -> CommandFailed:
    """There is no such key: 65. Whoever gave the whole key in place of its id does not see it again."""
    shown = key_id if len(key_id) <= ID_DIGITS else "of this id: give the id alone, not the key"
    return bad_input(f"there is no key {shown}")
