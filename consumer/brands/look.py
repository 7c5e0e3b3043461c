"""A brand's file NAME.toml: exactly these fields. docs/brands.md says what each is for."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from consumer.brands.brand import Envelope, ListField, PayloadFormat, Retries, SecretShown, SigningProfile
from consumer.brands.refusal import Line, Part, matching

_RESERVED: Final = frozenset({"livez", "readyz", "brands"})


def _unreserved(path: str) -> str:
    first = path.split("/")[1]
    if first in _RESERVED:
        raise ValueError(f"must not begin with /{first}: the API answers there for every brand")
    return path


_Header: TypeAlias = Annotated[
    str, AfterValidator(matching(r"[A-Za-z0-9-]+", "letters, digits and hyphens, as in X-Acme-Signature"))
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
    AfterValidator(_unreserved),
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
    """The file."""

    title: Line
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
