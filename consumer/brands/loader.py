"""The brands, read from schemas/brands/NAME.toml.

The law: a brand file is valid as a whole or refused with the file and the field; a brand that does not exist is
refused with the names of those that do.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consumer.brands.brand import Brand, CatalogueEntry, PayloadFormat, Retries, SigningProfile
from consumer.schemas import BRANDS

_HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
_Prefix = Annotated[str, Field(pattern=r"^[a-z0-9_]*$")]


class BrandInvalid(Exception):  # noqa: N818 # it names a state, as the glossary does
    """A brand file cannot be used: the message names the file and the field."""


class BrandUnknown(LookupError):  # noqa: N818 # it names a state, as the glossary does
    """There is no brand of this name; the message lists those there are."""

    def __init__(self, name: str, known: Mapping[str, Brand]) -> None:
        super().__init__(f"there is no brand {name!r}; choose from {', '.join(sorted(known))}")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Event(_File):
    type: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
    description: str = Field(min_length=1)


class _BrandFile(_File):
    """A brand file's shape: exactly these fields."""

    title: str = Field(min_length=1)
    signing: SigningProfile
    payload_format: PayloadFormat
    signature_header: _HeaderName
    event_header: _HeaderName | None = None
    timeout_ms: int = Field(ge=1_000, le=30_000)
    retries: Retries
    secret_prefix: _Prefix
    key_prefix: _Prefix
    with_workspace: bool = False
    catalogue: Literal["open", "closed"]
    user_agent: str = Field(pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$")
    events: tuple[_Event, ...] = ()

    def brand(self, name: str) -> Brand:
        """The brand as the rest of Hookline sees it."""
        closed = self.catalogue == "closed"
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
            closed_catalogue=frozenset(event.type for event in self.events) if closed else None,
            user_agent=self.user_agent,
            catalogue=tuple(CatalogueEntry(type=each.type, description=each.description) for each in self.events),
        )


@cache
def load_brands(folder: Path = BRANDS) -> Mapping[str, Brand]:
    """Every brand by name.

    Raises:
        BrandInvalid: a file is not TOML, or a field in it is missing, unknown or wrong.
    """
    return MappingProxyType({path.stem: _load(path) for path in sorted(folder.glob("*.toml"))})


def brand(name: str) -> Brand:
    """One brand.

    Raises:
        BrandUnknown: there is none of this name.
    """
    known = load_brands()
    if name not in known:
        raise BrandUnknown(name, known)
    return known[name]


def _load(path: Path) -> Brand:
    try:
        parsed = _BrandFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BrandInvalid(f"{path.name}: is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BrandInvalid(f"{path.name}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    types = [event.type for event in parsed.events]
    repeated = sorted({each for each in types if types.count(each) > 1})
    if repeated:
        raise BrandInvalid(f"{path.name}: events: {repeated[0]} is listed twice")
    if parsed.catalogue == "closed" and not types:
        raise BrandInvalid(f"{path.name}: events: a closed catalogue needs at least one event type")
    return parsed.brand(path.stem)
