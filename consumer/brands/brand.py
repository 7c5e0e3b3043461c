"""A brand: the look and habits of one company's webhooks, read from schemas/brands/NAME.toml."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class SigningProfile(StrEnum):
    STANDARD = "standard"
    ED25519 = "ed25519"
    HEX = "hex"
    SHA256 = "sha256"
    STRIPE = "stripe"


class PayloadFormat(StrEnum):
    STANDARD = "standard"
    EVENT = "event"
    CLOUDEVENTS = "cloudevents"
    RAW = "raw"
    SLACK = "slack"
    DISCORD = "discord"


class Retries(StrEnum):
    STANDARD = "standard"
    NONE = "none"


SENT_BY_HOOKLINE: Final = frozenset({"webhook.test", "webhook.suspended"})
"""Event types that Hookline itself sends. They may be chosen under every brand, closed catalogues included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """An event type that a brand announces."""

    type: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What the delivery path and the command line need of a brand.

    `signature_header` is used by the profiles hex, sha256 and stripe; `event_header`, when set, carries the event
    type beside any profile. `closed_catalogue` holds the only event types allowed, or None where any is;
    `catalogue` lists what the brand announces, open or closed.
    """

    name: str
    title: str
    signing: SigningProfile
    payload_format: PayloadFormat
    signature_header: str
    event_header: str | None
    timeout_ms: int
    retries: Retries
    secret_prefix: str
    key_prefix: str
    with_workspace: bool
    closed_catalogue: frozenset[str] | None
    user_agent: str
    catalogue: tuple[CatalogueEntry, ...] = ()
