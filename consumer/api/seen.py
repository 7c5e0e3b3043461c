"""The requests that this process answered, for whoever watches it.

The law: what a client makes up (a path, a method) never becomes a word of a label.
"""

from typing import Final

from consumer.telemetry.buckets import Buckets
from consumer.telemetry.catalogue import ATTEMPT_S
from consumer.telemetry.snapshot import Reading

_NO_ROUTE: Final = "none"
_OTHER: Final = "other"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Seen:
    """Filled by the server's thread, read by any."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, str], int] = {}
        self._took: dict[str, Buckets] = {}

    def answered(self, method: str, route: str | None, status: int, took_s: float) -> None:
        """One more request is over. `route` is its pattern, with the parameters by name."""
        where = route or _NO_ROUTE
        key = (method if method in _METHODS else _OTHER, where, str(status))
        self._requests[key] = self._requests.get(key, 0) + 1
        took = self._took.get(where)
        if took is None:
            took = self._took[where] = Buckets(ATTEMPT_S)
        took.observe(took_s)

    def tell(self, reading: Reading) -> None:
        """Tell every figure."""
        for labels, number in dict(self._requests).items():
            reading.value("hookline_api_requests_total", number, *labels)
        for route, took in dict(self._took).items():
            reading.histogram("hookline_api_duration_seconds", took, route)


seen = Seen()
"""The process's own."""
