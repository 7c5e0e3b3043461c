"""The brands: Hookline's own from schemas/brands/, and those of the folder HOOKLINE_BRANDS_DIR.

The law: a brand is valid as a whole or refused with the file and the field; a brand that does not exist is refused
with the names of those that do. One brand is two files, NAME.toml and, where it announces types, NAME.events.json; its
logos lie beside them.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from consumer.brands.brand import SENT_BY_HOOKLINE, ApiHabits, Brand, CatalogueEntry, PagesLook
from consumer.brands.catalogue import read_catalogue
from consumer.brands.look import Look
from consumer.brands.pages import pages_look, pages_words
from consumer.brands.refusal import BrandInvalid, BrandUnknown, refused
from consumer.schemas import BRANDS, SENT_EVENTS

__all__ = ["BrandInvalid", "BrandUnknown", "brand", "load_brands"]

_LOOK: Final = ".toml"
_CATALOGUE: Final = ".events.json"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


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
    look = _look(path)
    listed = path.with_name(name + _CATALOGUE)
    announced = read_catalogue(listed) if listed.exists() else ()
    if look.catalogue == "closed" and not announced:
        raise BrandInvalid(path.name, f"catalogue: a closed one needs at least one event type in {listed.name}")
    shown = pages_look(look.look, path.parent, title=look.title, of=path.name)
    return _as_brand(name, look, shown, announced)


def _look(path: Path) -> Look:
    try:
        return Look.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BrandInvalid(path.name, f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BrandInvalid(path.name, f"is not TOML: {error}") from None
    except ValidationError as error:
        raise refused(path.name, error) from None


def _as_brand(name: str, look: Look, shown: PagesLook, announced: tuple[CatalogueEntry, ...]) -> Brand:
    """The brand as the rest of Hookline sees it."""
    types = frozenset(entry.type for entry in announced)
    return Brand(
        name=name,
        title=look.title,
        signing=look.signing,
        payload_format=look.payload_format,
        signature_header=look.signature_header,
        event_header=look.event_header,
        timeout_ms=look.timeout_ms,
        retries=look.retries,
        secret_prefix=look.secret_prefix,
        key_prefix=look.key_prefix,
        with_workspace=look.with_workspace,
        closed_catalogue=types if look.catalogue == "closed" else None,
        user_agent=look.user_agent,
        api=ApiHabits(**look.api.model_dump()),
        look=shown,
        words=pages_words(look.words),
        catalogue=announced + tuple(entry for entry in _sent() if entry.type not in types),
    )


@cache
def _sent() -> tuple[CatalogueEntry, ...]:
    """What Hookline itself sends, as every brand announces it."""
    sent = read_catalogue(SENT_EVENTS)
    if {entry.type for entry in sent} != SENT_BY_HOOKLINE:
        raise BrandInvalid(SENT_EVENTS.name, f"events: list {', '.join(sorted(SENT_BY_HOOKLINE))} and no others")
    return sent
