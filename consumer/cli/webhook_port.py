"""What the commands ask of webhooks, answered by Kafka (`direct_webhooks.py`) or by the API (`remote_webhooks.py`).

The law: both answer with the webhook as the API shows it, refuse with the same errors in the same words, and say on
standard error what a person should know besides.
"""

from collections.abc import Iterator
from typing import Final, Protocol, TypeAlias

from consumer.json import Json
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.wishes import Changes, Wishes

Shown: TypeAlias = dict[str, Json]
"""A webhook, or what became of it, as JSON."""

DEFAULT_BRAND: Final = "hookline"

CLEARED: Final = "custom headers were cleared because the host changed"


class WebhookPort(Protocol):
    """The webhooks that a command may see and change.

    Each method may raise FieldInvalid, WebhookUnknown and Conflict, for what cannot be done, and KafkaBroken or
    CommandFailed, for what is out of reach or not allowed.
    """

    @property
    def tenant(self) -> str:
        """Whose webhooks are created; "" where an API key knows it. Raises CommandFailed: 64, nobody knows it."""

    @property
    def brand(self) -> str:
        """Under which brand they are created."""

    def create(self, wishes: Wishes) -> Shown:
        """A new webhook, with its secret."""

    def put(self, wishes: Wishes) -> Shown:
        """The one of their uid, created (with its secret) or changed."""

    def listed(self, chosen: Chosen) -> Iterator[Shown]:
        """Those that are meant, oldest first."""

    def show(self, webhook: str) -> Shown:
        """One of them."""

    def stats(self, webhook: str, period: str) -> Shown:
        """The statistics of one of them over `24h` or `30d`."""

    def update(self, webhook: str, changes: Changes) -> Shown:
        """One of them, changed."""

    def rotate(self, webhook: str, *, secret: str | None, overlap_ms: int | None) -> Shown:
        """One of them with a new secret, generated where none is given, and shown."""

    def try_out(self, webhook: str, event_type: str) -> Shown:
        """What came of a test event of this type: `{status, body, elapsedMs, error}`, see `control.trial.shown`."""

    def pause(self, webhook: str) -> Shown:
        """One of them, paused."""

    def resume(self, webhook: str) -> Shown:
        """One of them, active again."""

    def unblock(self, webhook: str, *, drop: bool, delivery: str | None) -> Shown:
        """One of them, with its stopped keys let go on: all, or that of one delivery."""

    def delete(self, webhook: str) -> Shown:
        """What is left of one of them: `{id, object, deleted}`."""
