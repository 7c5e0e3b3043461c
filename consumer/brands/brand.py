"""A brand: the look and habits of one company's webhooks, read from schemas/brands/NAME.toml."""

from dataclasses import dataclass

from consumer.webhooks.subscription import PayloadFormat, Retries, SigningProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What the delivery path and the command line need of a brand.

    `signature_header` is used by the profiles hex, sha256 and stripe; `event_header`, when set, carries the event
    type beside any profile. `closed_catalogue` holds the only event types allowed, or None where any is.
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
