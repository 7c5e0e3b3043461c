"""What the role `log` tells of single webhooks, where its operator wants it.

The laws: told are those that fail most, as many as the operator wants, and those of the tenants that he named, and
never more than `MOST_WEBHOOKS`, whatever tenants create. Who wants none pays nothing.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from consumer.control.directory import Directory
from consumer.log.health import Health
from consumer.log.stats import Stats
from consumer.log.told_webhooks import Figure, figures
from consumer.settings import Settings
from consumer.telemetry.snapshot import Reading
from consumer.telemetry.webhook_metrics import MOST_WEBHOOKS


class Known(Protocol):
    """What was folded: see `Folding`."""

    def worst(self, most: int) -> list[str]:
        """The webhooks that fail, the worst first."""

    def figures_of(self, name: str) -> tuple[Health, Stats] | None:
        """What is known of one webhook."""


class WebhookFigures:
    """Owned by the loop."""

    def __init__(self, settings: Settings, known: Known, directory: Directory, now_ms: Callable[[], int]) -> None:
        self._worst = settings.metrics_webhooks
        self._tenants = frozenset(settings.metrics_tenants)
        self._known = known
        self._directory = directory
        self._now_ms = now_ms
        self._told: list[tuple[str, str, Figure]] = []

    def look(self) -> None:
        """Choose, and note what is to be told until this is called again: a few times a minute."""
        if not self._worst and not self._tenants:
            return
        now_ms = self._now_ms()
        told: list[tuple[str, str, Figure]] = []
        for number, (tenant, name) in enumerate(self._chosen()):
            if number == MOST_WEBHOOKS:
                break
            found = self._known.figures_of(name)
            told += [] if found is None else [(tenant, name, figure) for figure in figures(*found, now_ms)]
        self._told = told

    def tell(self, reading: Reading) -> None:
        """Tell the figures that were noted."""
        for tenant, webhook, (name, value, labels) in self._told:
            reading.of_webhook(f"hookline_webhook_{name}", value, tenant, webhook, *labels)

    def _chosen(self) -> Iterator[tuple[str, str]]:
        """Tenants and webhooks, each once."""
        met: set[str] = set()
        for name in self._known.worst(self._worst) if self._worst else ():
            webhook = self._directory.find(name)
            if webhook is not None:  # it was not deleted
                met.add(name)
                yield webhook.tenant, name
        for owner in self._directory.owners() if self._tenants else ():
            if owner.tenant in self._tenants:
                webhooks, _ = self._directory.page(owner, after=None, limit=MOST_WEBHOOKS)
                yield from ((owner.tenant, each.id) for each in webhooks if each.id not in met)
