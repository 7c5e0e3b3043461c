"""What the API tells of attempts and deliveries, read as types.

The law: pages show what the API tells, by the same functions (`log/resource.py`): what one hides neither shows.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from consumer.json import Json
from consumer.log.explanation import table
from consumer.portal.words import words

_TITLES: Final[Mapping[str, str]] = {each.code: each.title for each in table()}


class _Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Explanation(_Told, frozen=True, kw_only=True):
    """Why something failed."""

    code: str
    title: str
    received: str | None
    cause: str
    remedies: list[str]


class AttemptRow(_Told, frozen=True, kw_only=True):
    """An attempt in a list."""

    id: str
    delivery: str
    webhook: str
    event_id: str
    type: str
    number: int
    trigger: str
    outcome: str
    status: int | None
    failure: str | None
    reason: str | None
    elapsed_ms: float | None
    at: str
    next_attempt_at: str | None
    overdue: bool | None


class Delivery(_Told, frozen=True, kw_only=True):
    """A delivery with its attempts."""

    id: str
    webhook: str
    event_id: str
    type: str
    status: str
    trigger: str
    attempts: int
    first_attempt_at: str | None
    reason: str | None
    job: str | None
    next_attempt_at: str | None
    overdue: bool | None
    explanation: Explanation | None
    attempts_kept: list[AttemptRow]


class Header(_Told, frozen=True, kw_only=True):
    """One header line."""

    name: str
    value: str


class Request(_Told, frozen=True, kw_only=True):
    """What was sent. `body` is None where it may not be seen, or is not kept."""

    method: str
    headers: list[Header]
    content_type: str
    body: str | None
    body_encoding: str | None
    body_bytes: int | None
    body_kept: str
    cut: bool


class Response(_Told, frozen=True, kw_only=True):
    """What came back."""

    status: int
    headers: list[Header]
    truncated: bool
    body: str | None
    body_encoding: str | None
    body_bytes: int | None
    body_kept: str
    cut: bool


class Timing(_Told, frozen=True, kw_only=True):
    """Where the time went."""

    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None
    total_ms: float | None
    new_connection: bool | None


class Signature(_Told, frozen=True, kw_only=True):
    """What a receiver checks."""

    profile: str
    header: str
    signed_content: str
    signed_with: str


class Planned(_Told, frozen=True, kw_only=True):
    """A try that follows."""

    number: int
    not_before: str


class Attempt(AttemptRow, frozen=True, kw_only=True):
    """An attempt, whole."""

    event_at: str
    product: str | None
    url: str
    request: Request
    response: Response | None
    timing: Timing
    signature: Signature | None
    schedule: list[Planned]
    explanation: Explanation | None
    kept_until: str | None
    curl: str | None


class Code(_Told, frozen=True, kw_only=True):
    """So many attempts were answered so."""

    code: str
    attempts: int


class Cause(_Told, frozen=True, kw_only=True):
    """So many attempts failed for this."""

    cause: str
    attempts: int


class Listed(_Told, frozen=True, kw_only=True):
    """What a webhook's listed attempts say of its endpoint."""

    attempts: int
    p50_ms: int | None
    p95_ms: int | None
    codes: list[Code]
    causes: list[Cause]


def listed_of(told: Json) -> Listed:
    """Of what `stats_resource.told` tells as listed."""
    return msgspec.convert(told, Listed)


def attempt_told(told: Mapping[str, Json]) -> Attempt:
    """Of what `resource.attempt_detail` tells."""
    attempt = msgspec.convert(told, Attempt)
    return replace(attempt, explanation=_said(attempt.explanation))


def delivery_of(told: Mapping[str, Json]) -> Delivery:
    """Of what `resource.delivery_told` tells."""
    delivery = msgspec.convert(told, Delivery)
    return replace(delivery, explanation=_said(delivery.explanation))


def explanation_of(told: Json) -> Explanation | None:
    """Of what `resource.told` tells."""
    return _said(msgspec.convert(told, Explanation | None))


def title_of(code: str) -> str:
    """What the explanation of this code is called; the code itself where there is none."""
    key = f"explanation.{code}.title"
    return words().say(key) if key in words() else _TITLES.get(code, code)


def _said(told: Explanation | None) -> Explanation | None:
    """In the page's language. English has no words of its own for it: the API's are."""
    said = words()
    if told is None or f"explanation.{told.code}.title" not in said:
        return told
    return replace(
        told,
        title=said.say(f"explanation.{told.code}.title"),
        cause=said.say(f"explanation.{told.code}.cause"),
        remedies=[said.say(f"explanation.{told.code}.remedies.{at}") for at, _ in enumerate(told.remedies, start=1)],
    )
