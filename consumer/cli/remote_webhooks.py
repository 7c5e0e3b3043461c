"""Webhooks by way of the API, as a customer does.

The law: what is said in a request is what was said in the command, no more: the brand's defaults are the API's to know.
"""

from collections.abc import Iterator
from typing import cast
from urllib.parse import quote

import msgspec

from consumer.cli.api_client import ApiClient
from consumer.cli.webhook_port import Shown
from consumer.control.refusal import WebhookUnknown
from consumer.json import Json
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.ordering import NONE
from consumer.webhooks.subscription import OnFailure
from consumer.webhooks.tls import TlsWish
from consumer.webhooks.wishes import KEPT, Changes, Wishes, check_filter


class RemoteWebhooks:
    """The webhooks that a key opens."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._path = client.brand.api.base_path

    @property
    def tenant(self) -> str:
        """The key knows whose they are."""
        return ""

    @property
    def brand(self) -> str:
        """The key's."""
        return self._client.brand.name

    def create(self, wishes: Wishes) -> Shown:
        """See `WebhookPort`."""
        return self._client.ask("POST", self._path, creation(wishes, self._client.brand.api.list_field))

    def put(self, wishes: Wishes) -> Shown:
        """See `WebhookPort`."""
        assert wishes.uid is not None
        body = creation(wishes, self._client.brand.api.list_field)
        del body["uid"]
        return self._client.ask("PUT", f"{self._path}/by-uid/{quote(wishes.uid, safe='')}", body)

    def listed(self, chosen: Chosen) -> Iterator[Shown]:
        """See `WebhookPort`."""
        said = {
            "status": chosen.status,
            self._client.brand.api.list_field.removesuffix("s"): chosen.event_type,
            "product": chosen.product,
            "url": chosen.url,
        }
        return self._client.pages(self._path, {name: value for name, value in said.items() if value is not None})

    def show(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        return self._one("GET", webhook)

    def stats(self, webhook: str, period: str) -> Shown:
        """See `WebhookPort`."""
        path = f"{self._path}/{quote(webhook, safe='')}/stats"
        return self._client.ask("GET", path, params={"period": period}, unknown=WebhookUnknown(webhook))

    def update(self, webhook: str, changes: Changes) -> Shown:
        """See `WebhookPort`."""
        return self._one("PATCH", webhook, alteration(changes, self._client.brand.api.list_field))

    def rotate(self, webhook: str, *, secret: str | None, overlap_ms: int | None) -> Shown:
        """See `WebhookPort`."""
        body: dict[str, Json] = {}
        if secret is not None:
            body["secret"] = secret
        if overlap_ms is not None:
            body["overlapSeconds"] = overlap_ms // 1_000
        return self._one("POST", webhook, body, below="/secret")

    def try_out(self, webhook: str, event_type: str) -> Shown:
        """See `WebhookPort`."""
        return self._one("POST", webhook, {"type": event_type}, below="/test")

    def pause(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        return self._one("POST", webhook, below="/pause")

    def resume(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        return self._one("POST", webhook, below="/resume")

    def unblock(self, webhook: str, *, drop: bool, delivery: str | None) -> Shown:
        """See `WebhookPort`."""
        body = _said({"head": "drop" if drop else "retry", "delivery": delivery})
        return self._one("POST", webhook, body, below="/unblock")

    def delete(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        return self._one("DELETE", webhook)

    def _one(self, method: str, webhook: str, body: dict[str, Json] | None = None, *, below: str = "") -> Shown:
        path = f"{self._path}/{quote(webhook, safe='')}{below}"
        return self._client.ask(method, path, body, unknown=WebhookUnknown(webhook))


def creation(wishes: Wishes, list_field: str) -> dict[str, Json]:
    """The body of a creation. What the wishes leave to the brand is not in it.

    Raises:
        FieldInvalid: the filter is none.
    """
    said: dict[str, Json] = {
        "url": wishes.url,
        list_field: None if wishes.event_types is None else list(wishes.event_types),
        "product": wishes.product,
        "name": wishes.name or None,
        "description": wishes.description or None,
        "signing": wishes.signing,
        "payloadFormat": wishes.payload_format,
        "secret": wishes.secret,
        "retries": wishes.retries,
        "filter": _filter(wishes.filter_json),
        "rateLimit": wishes.rate_per_s,
        "maxConcurrency": wishes.max_concurrency,
        "ordering": None if wishes.ordering == NONE else wishes.ordering,
        "onFailure": None if wishes.on_failure is OnFailure.DEAD_LETTER else wishes.on_failure,
        "status": wishes.status,
        "uid": wishes.uid,
        "metadata": dict(wishes.metadata) or None,
        "requestConfig": _said({"timeoutMs": wishes.timeout_ms, "headers": dict(wishes.headers) or None}) or None,
        "tls": _tls(wishes.tls),
    }
    return _said(said)


def alteration(changes: Changes, list_field: str) -> dict[str, Json]:
    """The body of an update: what is changed, null for what is cleared.

    Raises:
        FieldInvalid: the filter is none.
    """
    said: dict[str, Json] = {}
    if changes.event_types is not KEPT:
        said[list_field] = None if changes.event_types is None else list(changes.event_types)
    if changes.filter_json is not KEPT:
        said["filter"] = _filter(changes.filter_json)
    config: dict[str, Json] = {}
    if changes.timeout_ms is not KEPT:
        config["timeoutMs"] = changes.timeout_ms
    if changes.headers is not KEPT:
        config["headers"] = dict(changes.headers)
    if config:
        said["requestConfig"] = config
    if changes.tls is not KEPT:
        said["tls"] = _tls(changes.tls)
    if changes.metadata is not KEPT:
        said["metadata"] = dict(changes.metadata)
    plain = {
        "url": changes.url,
        "product": changes.product,
        "name": changes.name,
        "description": changes.description,
        "payloadFormat": changes.payload_format,
        "retries": changes.retries,
        "rateLimit": changes.rate_per_s,
        "maxConcurrency": changes.max_concurrency,
        "ordering": changes.ordering,
        "onFailure": changes.on_failure,
    }
    return said | {name: value for name, value in plain.items() if value is not KEPT}


def _tls(wish: TlsWish | None) -> Json:
    if wish is None:
        return None
    return {name: pem for name in ("certificate", "key", "authorities") if (pem := getattr(wish, name))}


def _said(fields: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}


def _filter(filter_json: str | None) -> Json:
    """The filter as JSON. It is compiled first, so that what is wrong with it is said as the other way says it."""
    checked = check_filter(filter_json)
    return None if checked is None else cast("Json", msgspec.json.decode(checked))
