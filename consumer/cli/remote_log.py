"""The log by way of the API, as a customer reads it."""

from collections.abc import Callable, Iterator
from urllib.parse import quote

from consumer.cli.api_client import ApiClient
from consumer.cli.log_flags import Asked
from consumer.cli.log_port import attempt_unknown, delivery_unknown
from consumer.cli.webhook_port import Shown
from consumer.log.query import View

_PART = 100


class RemoteLog:
    """The log of the tenant and brand that a key speaks for."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._path = client.brand.api.base_path.rpartition("/")[0]

    def listed(self, view: View, asked: Asked) -> Iterator[Shown]:
        """See `LogPort`."""
        return self._client.pages(f"{self._path}/{view.value}", asked)

    def tail(self, view: View, asked: Asked, wait: Callable[[], None]) -> Iterator[Shown]:
        """See `LogPort`."""
        path = f"{self._path}/{view.value}"
        _, told = self._client.page(path, {**asked, "limit": "1"})
        while True:
            after = str(told["latestCursor"])
            rows, told = self._client.page(path, {**asked, "limit": str(_PART), "after": after})
            yield from rows
            if not rows:
                wait()

    def attempt(self, name: str) -> Shown:
        """See `LogPort`."""
        path = f"{self._path}/attempts/{quote(name, safe='')}"
        return self._client.ask("GET", path, unknown=attempt_unknown(name))

    def delivery(self, name: str) -> Shown:
        """See `LogPort`."""
        path = f"{self._path}/deliveries/{quote(name, safe='')}"
        return self._client.ask("GET", path, unknown=delivery_unknown(name))
