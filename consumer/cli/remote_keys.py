"""API keys by way of the API, as the holder of a key with the scope admin does."""

import time
from collections.abc import Collection, Iterator
from urllib.parse import quote

from consumer.cli.api_client import ApiClient
from consumer.cli.key_port import key_unknown
from consumer.cli.webhook_port import Shown
from consumer.control.keys import Scope
from consumer.json import Json
from consumer.signing.timestamps import rfc3339


class RemoteKeys:
    """The keys of the tenant and brand that a key speaks for."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        # Keys are beside the webhooks, as everything else is.
        self._path = client.brand.api.base_path.rpartition("/")[0] + "/keys"

    def create(self, *, scopes: Collection[Scope] | None, name: str, lifetime_ms: int | None) -> Shown:
        """See `KeyPort`."""
        body: dict[str, Json] = {"name": name}
        if scopes is not None:
            body["scopes"] = [scope.value for scope in scopes]
        if lifetime_ms is not None:
            body["expiresAt"] = rfc3339(time.time_ns() // 1_000_000 + lifetime_ms)
        return self._client.ask("POST", self._path, body)

    def listed(self) -> Iterator[Shown]:
        """See `KeyPort`."""
        return self._client.pages(self._path)

    def revoke(self, key_id: str, *, with_descendants: bool) -> Shown:
        """See `KeyPort`."""
        path = f"{self._path}/{quote(key_id, safe='')}"
        params = {"descendants": "true"} if with_descendants else {}
        return self._client.ask("DELETE", path, params=params, unknown=key_unknown(key_id))
