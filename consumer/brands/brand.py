"""A brand: the look and habits of one company's webhooks, read from NAME.toml and NAME.events.json."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from consumer.json import Json


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


ListField: TypeAlias = Literal["topics", "events"]
Envelope: TypeAlias = Literal["bare", "data"]
SecretShown: TypeAlias = Literal["once", "readable"]

TEST: Final = "webhook.test"
SUSPENDED: Final = "webhook.suspended"
FAILING: Final = "webhook.failing"
RECOVERED: Final = "webhook.recovered"
BEHIND: Final = "webhook.behind"
CAUGHT_UP: Final = "webhook.caught_up"
BLOCKED: Final = "webhook.blocked"
JOB_FINISHED: Final = "job.finished"
SENT_BY_HOOKLINE: Final = frozenset({TEST, FAILING, RECOVERED, SUSPENDED, BEHIND, CAUGHT_UP, BLOCKED, JOB_FINISHED})
"""Event types that Hookline itself sends. They may be chosen under every brand, closed catalogues included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """An event type that a brand announces: `sample` is the data of one such event, `schema` the JSON Schema of all.

    The schema is complete in itself (JSON Schema 2020-12: what it refers to is in its own `$defs`).
    """

    type: str
    description: str
    sample: Json = field(hash=False)
    schema: dict[str, Json] = field(hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiHabits:
    """How a brand's REST API behaves.

    `base_path` is where its webhooks are; `list_field` what it calls their event types; `envelope` whether an answer
    stands alone or under `data`; `secret` whether it is shown at creation and rotation only; `own_secret` whether a
    customer may bring one; `editable` whether PATCH exists; `test_on_creation` whether a webhook.test is sent at once.
    """

    base_path: str
    list_field: ListField
    envelope: Envelope
    secret: SecretShown
    own_secret: bool
    editable: bool
    test_on_creation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """An SVG file, and how much wider than high it is."""

    svg: bytes
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesLook:
    """How a brand's pages look. Colours are `#rrggbb`; `accent_dark` of None: the accent, lightened where need be.

    `title` is what they are called, `support_url` where a customer asks for help, `radius_px` how round corners are.
    `logo_dark` stands in for `logo` on dark pages.
    """

    title: str
    accent: str
    accent_dark: str | None
    radius_px: int
    support_url: str | None
    logo: Logo | None
    logo_dark: Logo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """All that is special about one company's webhooks.

    `signature_header` is used by the profiles hex, sha256 and stripe; `event_header`, when set, carries the event
    type beside any profile. `catalogue` lists what the brand announces and, after it, what Hookline itself sends;
    `closed_catalogue` holds the brand's own types where no others are allowed, else None. `words` are what its
    pages call things, where they do not call them as usual (`pages.py: WordsTable`).
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
    api: ApiHabits
    look: PagesLook
    words: Mapping[str, str] = field(hash=False)
    catalogue: tuple[CatalogueEntry, ...]

    def announced(self, event_type: str) -> CatalogueEntry | None:
        """The entry of a type, None where the catalogue does not list it."""
        return next((entry for entry in self.catalogue if entry.type == event_type), None)
