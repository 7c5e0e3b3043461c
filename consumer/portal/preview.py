"""What a webhook of these wishes would get: the very bytes of a sample event, with its headers.

The law: it is rendered and signed by what renders and signs deliveries; only the secret is an example.
"""

import secrets
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from consumer.brands.brand import Brand
from consumer.control.sample import sample_data, sample_event
from consumer.portal.json_layout import laid_out
from consumer.signing.signer import Signer
from consumer.webhooks import draft
from consumer.webhooks.filter_trial import try_filter
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.secrets import generate
from consumer.webhooks.wishes import Wishes
from consumer.webhooks.wrong import FieldInvalid

_EXAMPLE_URL: Final = "https://example.com/webhooks"
_EXAMPLE_BYTE: Final = b"example secret "


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A condition of the filter that the sample does not meet."""

    path: str
    found: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`passes` is None where there is no filter."""

    type: str
    headers: tuple[tuple[str, str], ...]
    body: str
    passes: bool | None
    unmet: tuple[Unmet, ...]


def preview(
    wishes: Wishes, event_type: str, brand: Brand, keyring: Keyring, *, now_ms: int, allow_http: bool
) -> Preview | None:
    """Rendered; None: of these wishes no webhook can be made yet."""
    try:
        sample = sample_data(event_type, brand)
        profile = wishes.signing or brand.signing
        asked = replace(
            wishes, url=_EXAMPLE_URL, name="", description="", secret=generate(profile, brand, _example)
        )  # where it goes and what it is called is not in a request
        subscription, _ = draft.create(
            asked,
            brand=brand,
            keyring=keyring,
            now_ms=now_ms,
            new_id=lambda: "wh_preview",
            entropy=secrets.token_bytes,
            allow_http=allow_http,
        )
        event = sample_event(subscription, event_type, brand, now_ms=now_ms, entropy=secrets.token_bytes)
    except FieldInvalid:
        return None
    signer = Signer(subscription, brand, keyring)
    body, content_type = signer.body(event)
    request = signer.request(event=event, body=body, content_type=content_type, now_ms=now_ms)
    text = body.decode("utf-8", "replace")
    trial = None if wishes.filter_json is None else try_filter(wishes.filter_json, sample)
    return Preview(
        type=event_type,
        headers=signer.shown(request),
        body=laid_out(text) or text,
        passes=None if trial is None else trial.matches,
        unmet=() if trial is None else tuple(Unmet(path=each.path, found=each.found) for each in trial.unmet),
    )


def sample_text(event_type: str, brand: Brand) -> str:
    """The data of a sample, for reading. Raises FieldInvalid."""
    return msgspec.json.format(msgspec.json.encode(sample_data(event_type, brand)), indent=2).decode()


def _example(size: int) -> bytes:
    return (_EXAMPLE_BYTE * size)[:size]
