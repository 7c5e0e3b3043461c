"""What the commands ask of the log, answered by Redis and Kafka (`direct_log.py`) or by the API (`remote_log.py`).

The law: as `webhook_port.py` has it.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from consumer.cli.exits import CommandFailed, bad_input
from consumer.cli.log_flags import Asked
from consumer.cli.webhook_port import Shown
from consumer.log.query import View


class LogPort(Protocol):
    """The log of one tenant and brand.

    Each method may raise FieldInvalid and CommandFailed, for what cannot be asked, and KafkaBroken, CacheUnavailable or
    CommandFailed, for what is out of reach or not allowed.
    """

    def listed(self, view: View, asked: Asked) -> Iterator[Shown]:
        """All rows that are asked for, the newest first."""

    def tail(self, view: View, asked: Asked, wait: Callable[[], None]) -> Iterator[Shown]:
        """What is new from now on, the oldest first, for ever. `wait` is called where there is nothing new."""

    def attempt(self, name: str) -> Shown:
        """One attempt, with all that is kept of it. Raises `attempt_unknown`."""

    def delivery(self, name: str) -> Shown:
        """One delivery, with its attempts. Raises `delivery_unknown`."""


def attempt_unknown(name: str) -> CommandFailed:
    """There is no such attempt: 65."""
    return bad_input(f"there is no attempt {name}", field="id")


def delivery_unknown(name: str) -> CommandFailed:
    """There is no such delivery: 65."""
    return bad_input(f"there is no delivery {name} in the log: see `hookline dead-letters show`", field="id")
