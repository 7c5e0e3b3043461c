"""A brand's file NAME.toml: exactly these fields. docs/brands.md says what each is for."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, StrictBool, StrictInt, ValidationInfo, field_validator

from consumer.brands.brand import Envelope, ListField, PayloadFormat, Retries, SecretShown, SigningProfile
from consumer.brands.header_names import is_owned
from consumer.brands.pages import LookTable, WordsTable
from consumer.brands.refusal import Line, Part, matching

_FOR_ALL_BRANDS: Final = frozenset({"livez", "readyz", "brands", "portal"})
_BESIDE_WEBHOOKS: Final = frozenset({"event-types", "dead-letters", "keys", "portal-links"})
_STANDARD_SIGNATURE: Final = "webhook-signature"


def _free(path: str) -> str:
    segments = path.split("/")[1:]
    first, last = segments[0], segments[-1]
    if first in _FOR_ALL_BRANDS:
        raise ValueError(f"must not begin with /{first}: the API answers there for every brand")
    if last in _BESIDE_WEBHOOKS:
        raise ValueError(f"must not end with /{last}: the API has something else there")
    return path


def _unowned(header: str) -> str:
    if is_owned(header.lower()) and header.lower() != _STANDARD_SIGNATURE:
        raise ValueError(f"must not be {header}, which HTTP or Hookline owns: as in X-Acme-Signature")
    return header


def _in_header_names(title: str) -> str:
    """Under another profile than the brand's own the signature's header is made of the title."""
    if not any(character.isascii() and character.isalnum() for character in title):
        raise ValueError("must hold a letter or digit of ASCII: header names are made of it")
    return title


_Title: TypeAlias = Annotated[Line, AfterValidator(_in_header_names)]
_Header: TypeAlias = Annotated[
    str,
    AfterValidator(matching(r"[A-Za-z0-9-]+", "letters, digits and hyphens, as in X-Acme-Signature")),
    AfterValidator(_unowned),
]
_SecretPrefix: TypeAlias = Annotated[
    str, AfterValidator(matching(r"[a-z0-9_]*", "lower-case letters, digits and underscores, as in whsec_"))
]
_KeyPrefix: TypeAlias = Annotated[
    str, AfterValidator(matching(r"[a-z0-9_]*[a-z0-9]_", "lower-case letters and digits with _ behind, as in acme_"))
]
_Visible: TypeAlias = Annotated[
    str, AfterValidator(matching(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", "visible ASCII, as in Acme-Webhooks/1.0"))
]
_Path: TypeAlias = Annotated[
    str,
    AfterValidator(matching(r"(/[a-z0-9_-]+)+", "a path without a slash at its end, as in /v1/webhooks")),
    AfterValidator(_free),
]


class Api(Part):
    """The table `[api]`."""

    base_path: _Path = "/v1/webhooks"
    list_field: ListField = "topics"
    envelope: Envelope = "bare"
    secret: SecretShown = "once"  # noqa: S105 # when it is shown, no secret
    own_secret: StrictBool = True
    editable: StrictBool = True
    test_on_creation: StrictBool = False


class Look(Part):
    """What a brand's file says."""

    title: _Title
    signing: SigningProfile
    payload_format: PayloadFormat
    signature_header: _Header
    event_header: _Header | None = None
    timeout_ms: Annotated[StrictInt, Field(ge=1_000, le=30_000)]
    retries: Retries
    secret_prefix: _SecretPrefix
    key_prefix: _KeyPrefix
    with_workspace: StrictBool = False
    catalogue: Literal["open", "closed"]
    user_agent: _Visible
    api: Api = Api()
    look: LookTable = LookTable()
    words: WordsTable = WordsTable()

    @field_validator("event_header")
    @classmethod
    def _another(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and value.lower() == str(info.data.get("signature_header")).lower():
            raise ValueError("must be another header than signature_header")
        return value
