"""Webhooks whose certificates end: counted for a metric, and each named once in the log.

The metric has no names, so whoever is alerted finds them there. A process names few at a time: one authority may end
for thousands of webhooks at once.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from consumer.signing.timestamps import rfc3339
from consumer.telemetry.snapshot import Reading
from consumer.webhooks.certificate_ends import Ending, ending
from consumer.webhooks.subscription import Subscription

_log = structlog.get_logger("log")

NAMED_AT_ONCE: Final = 20


class CertificateWatch:
    """`ends` tells of each webhook that needs certificates when the first one ends."""

    def __init__(self, ends: Callable[[], Mapping[str, int]], find: Callable[[str], Subscription | None]) -> None:
        self._ends = ends
        self._find = find
        self._named: dict[str, tuple[int, Ending]] = {}
        self._counts: Counter[Ending] = Counter()

    def look(self, now_ms: int) -> None:
        """As of now."""
        told = {name: (end_ms, said) for name, end_ms in self._ends().items() if (said := ending(end_ms, now_ms))}
        self._counts = Counter(said for _, said in told.values())
        fresh = [name for name, each in told.items() if self._named.get(name) != each]
        self._named = {name: each for name, each in self._named.items() if told.get(name) == each}
        for name in fresh[:NAMED_AT_ONCE]:
            self._named[name] = told[name]
            self._name(name, *told[name])

    def tell(self, reading: Reading) -> None:
        """How many there are."""
        for each in Ending:
            reading.value("hookline_webhook_certificates", self._counts[each], each)

    def _name(self, name: str, end_ms: int, said: Ending) -> None:
        subscription = self._find(name)
        if subscription is not None:
            event = "a webhook's certificate has ended" if said is Ending.ENDED else "a webhook's certificate ends soon"
            _log.warning(event, webhook=name, tenant=subscription.tenant, ends=rfc3339(end_ms))
