"""Builders for tests of the webhooks room."""

import base64
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from consumer.events.event import Event, Record
from consumer.settings import Settings
from consumer.webhooks.history import State
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.subscription import PayloadFormat, SealedSecret, SigningProfile, Subscription

NOW_MS = 1_790_000_000_000


def subscription(id_: str = "wh_1", tenant: str = "acme", **fields: Any) -> Subscription:  # noqa: ANN401 # fields of every type
    plain = Subscription(
        id=id_,
        tenant=tenant,
        brand="hookline",
        url="https://example.com/hook",
        secret=SealedSecret(key_id="k1", sealed=b"sealed"),
        signing=SigningProfile.STANDARD,
        payload_format=PayloadFormat.STANDARD,
        created_at_ms=NOW_MS,
        updated_at_ms=NOW_MS,
    )
    return replace(plain, **fields)


def changed(was: Subscription, **fields: Any) -> Subscription:  # noqa: ANN401 # fields of every type
    """The next revision."""
    return replace(was, changes=was.revision, revision=was.revision + 1, **fields)


def event(type_: str = "post.created", product: str | None = None, data: bytes = b"{}") -> Event:
    return Event(
        id="e1",
        type=type_,
        tenant="acme",
        product=product,
        time_ms=NOW_MS,
        data=data,
        topic="events",
        partition=0,
        offset=0,
        timestamp_ms=NOW_MS,
    )


def record(state: State, offset: int, partition: int = 0) -> Record:
    """The state as a record of the subscriptions topic."""
    written = rewrite_of(state)
    return Record(
        topic="subscriptions",
        partition=partition,
        offset=offset,
        key=written.key,
        value=written.value,
        headers=written.headers,
        timestamp_ms=NOW_MS,
    )


def settings_with_keys(*entries: str) -> Settings:
    return Settings(encryption_keys=tuple(SecretStr(entry) for entry in entries))


def key_entry(key_id: str = "k1", byte: int = 7) -> str:
    return f"{key_id}:{base64.b64encode(bytes([byte]) * 32).decode()}"
