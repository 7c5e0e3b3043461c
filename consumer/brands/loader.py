"""The brands: Hookline's own from schemas/brands/, and those of the folder HOOKLINE_BRANDS_DIR.

The law: a brand is valid as a whole or refused with the file and the field; a brand that does not exist is refused
with the names of those that do. One brand is two files, NAME.toml and, where it announces types, NAME.events.json.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, StrictBool, StrictInt, ValidationError

from consumer.brands.brand import (
    SENT_BY_HOOKLINE,
    ApiHabits,
    Brand,
    CatalogueEntry,
    Envelope,
    ListField,
    PayloadFormat,
    Retries,
    SecretShown,
    SigningProfile,
)
from consumer.brands.catalogue import read_catalogue
from consumer.brands.refusal import BrandInvalid, BrandUnknown, Line, Part, matching, refused
from consumer.schemas import BRANDS, SENT_EVENTS

__all__ = ["BrandInvalid", "BrandUnknown", "brand", "load_brands"]

_LOOK: Final = ".toml"
_CATALOGUE: Final = ".events.json"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")

_RESERVED: Final = frozenset({"livez", "readyz", "brands"})


def _unreserved(path: str) -> str:
    first = path.split("/")[1]
    if first in _RESERVED:
        raise ValueError(f"must not begin with /{first}: the API answers there for every brand")
    return path


_Header: TypeAlias = Annotated[
    str, AfterValidator(matching(r"[A-Za-z0-9-]+", "letters, digits and hyphens, as in X-Acme-Signature"))
]
_Prefix: TypeAlias = Annotated[
    str, AfterValidator(matching(r"[a-z0-9_]*", "lower-case letters, digits and underscores, as in acme_"))
]
_Visible: TypeAlias = Annotated[
    str, AfterValidator(matching(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", "visible ASCII, as in Acme-Webhooks/1.0"))
]
_Path: TypeAlias = Annotated[
    str,
    AfterValidator(matching(r"(/[a-z0-9_-]+)+", "a path without a slash at its end, as in /v1/webhooks")),
    AfterValidator(_unreserved),
]


class _Api(Part):
    base_path: _Path = "/v1/webhooks"
    list_field: ListField = "topics"
    envelope: Envelope = "bare"
    secret: SecretShown = "once"  # noqa: S105 # when it is shown, no secret
    own_secret: StrictBool = True
    editable: StrictBool = True
    test_on_creation: StrictBool = False
    https_only: StrictBool = False


class _Look(Part):
    """NAME.toml: exactly these fields."""

    title: Line
    signing: SigningProfile
    payload_format: PayloadFormat
    signature_header: _Header
    event_header: _Header | None = None
    timeout_ms: Annotated[StrictInt, Field(ge=1_000, le=30_000)]
    retries: Retries
    secret_prefix: _Prefix
    key_prefix: _Prefix
    with_workspace: StrictBool = False
    catalogue: Literal["open", "closed"]
    user_agent: _Visible
    api: _Api = _Api()

    def brand(self, name: str, announced: tuple[CatalogueEntry, ...]) -> Brand:
        """The brand as the rest of Hookline sees it."""
        types = frozenset(entry.type for entry in announced)
        return Brand(
            name=name,
            title=self.title,
            signing=self.signing,
            payload_format=self.payload_format,
            signature_header=self.signature_header,
            event_header=self.event_header,
            timeout_ms=self.timeout_ms,
            retries=self.retries,
            secret_prefix=self.secret_prefix,
            key_prefix=self.key_prefix,
            with_workspace=self.with_workspace,
            closed_catalogue=types if self.catalogue == "closed" else None,
            user_agent=self.user_agent,
            api=ApiHabits(**self.api.model_dump()),
            catalogue=announced + tuple(entry for entry in _sent() if entry.type not in types),
        )


@cache
def load_brands(own: Path | None = None) -> Mapping[str, Brand]:
    """Every brand by name: Hookline's and, from the folder `own`, the operator's.

    Raises:
        BrandInvalid: a file cannot be read, a field in it is missing, unknown or wrong, or two brands share a name.
    """
    brands = _read(BRANDS)
    if own is not None:
        theirs = _read(own)
        taken = sorted(brands.keys() & theirs.keys())
        if taken:
            raise BrandInvalid(taken[0] + _LOOK, "comes with Hookline under this name: name your file otherwise")
        brands |= theirs
    return MappingProxyType(brands)


def brand(name: str, own: Path | None = None) -> Brand:
    """One brand. `own` is `settings.brands_dir`.

    Raises:
        BrandUnknown: there is none of this name.
        BrandInvalid: see `load_brands`.
    """
    known = load_brands(own)
    if name not in known:
        raise BrandUnknown(name, known)
    return known[name]


def _read(folder: Path) -> dict[str, Brand]:
    looks = sorted(folder.glob("*" + _LOOK))
    names = {path.name.removesuffix(_LOOK) for path in looks}
    for path in sorted(folder.glob("*" + _CATALOGUE)):
        name = path.name.removesuffix(_CATALOGUE)
        if name not in names:
            raise BrandInvalid(path.name, f"belongs to no brand: there is no {name}{_LOOK} beside it")
    return {path.name.removesuffix(_LOOK): _brand(path) for path in looks}


def _brand(path: Path) -> Brand:
    name = path.name.removesuffix(_LOOK)
    if _NAME.fullmatch(name) is None:
        raise BrandInvalid(path.name, "the name before .toml must be up to 32 lower-case letters, digits and hyphens")
    try:
        look = _Look.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BrandInvalid(path.name, f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BrandInvalid(path.name, f"is not TOML: {error}") from None
    except ValidationError as error:
        raise refused(path.name, error) from None
    listed = path.with_name(name + _CATALOGUE)
    announced = read_catalogue(listed) if listed.exists() else ()
    if look.catalogue == "closed" and not announced:
        raise BrandInvalid(path.name, f"catalogue: a closed one needs at least one event type in {listed.name}")
    return look.brand(name, announced)


@cache
def _sent() -> tuple[CatalogueEntry, ...]:
    """What Hookline itself sends, as every brand announces it."""
    sent = read_catalogue(SENT_EVENTS)
    if {entry.type for entry in sent} != SENT_BY_HOOKLINE:
        raise BrandInvalid(SENT_EVENTS.name, f"events: list {', '.join(sorted(SENT_BY_HOOKLINE))} and no others")
    return sent
