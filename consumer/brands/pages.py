"""A brand's pages: the tables `[look]` and `[words]` of its file. docs/brands.md says what each field is for."""

import re
from pathlib import Path
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictInt

from consumer.brands.brand import PagesLook
from consumer.brands.logo import read_logo
from consumer.brands.refusal import BrandInvalid, Line, Part, matching

_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")


def _help(url: str) -> str:
    """An address that a page may link to: it can be no script."""
    parts = urlsplit(url)
    reached = bool(parts.hostname) if parts.scheme == "https" else parts.scheme == "mailto" and "@" in parts.path
    if not reached or "@" in parts.netloc or _PRINTABLE.fullmatch(url) is None:
        raise ValueError("must be an https or mailto address, as in https://acme.example/help")
    return url


_Colour: TypeAlias = Annotated[
    str,
    AfterValidator(matching(r"#[0-9a-fA-F]{6}", "a colour of six digits, as in #2a57d0")),
    AfterValidator(str.lower),
]
_File: TypeAlias = Annotated[
    str, AfterValidator(matching(r"[a-z0-9][a-z0-9._-]*\.svg", "an SVG file's name in this folder, as in acme.svg"))
]
_Name: TypeAlias = Annotated[Line, Field(max_length=60)]


class LookTable(Part):
    """The table `[look]`."""

    title: _Name | None = None
    accent: _Colour = "#2a57d0"
    accent_dark: _Colour | None = None
    logo: _File | None = None
    logo_dark: _File | None = None
    radius: Annotated[StrictInt, Field(ge=0, le=16)] = 8
    support_url: Annotated[str, AfterValidator(_help)] | None = None


class WordsTable(Part):
    """The table `[words]`: what a brand's pages call these. None: what they are usually called."""

    new_webhook: _Name | None = None
    endpoint_url: _Name | None = None
    event_types: _Name | None = None
    create_webhook: _Name | None = None
    change_event_types: _Name | None = None
    send_a_test_event: _Name | None = None
    send_test_event: _Name | None = None
    log: _Name | None = None
    answer: _Name | None = None
    send_again: _Name | None = None
    failures_in_a_row: _Name | None = None


def pages_look(look: LookTable, folder: Path, *, title: str, of: str) -> PagesLook:
    """The look, with its files read. `of` is the brand's file. Raises BrandInvalid."""
    if look.logo is None and look.logo_dark is not None:
        raise BrandInvalid(of, "look.logo_dark: stands in for a logo: give look.logo too")
    logo, dark = (
        None if name is None else read_logo(folder, name, of=of, field=f"look.{field}")
        for field, name in (("logo", look.logo), ("logo_dark", look.logo_dark))
    )
    return PagesLook(
        title=look.title or title,
        accent=look.accent,
        accent_dark=look.accent_dark,
        radius_px=look.radius,
        support_url=look.support_url,
        logo=logo,
        logo_dark=dark,
    )


def pages_words(words: WordsTable) -> dict[str, str]:
    """Those that the brand chose."""
    return words.model_dump(exclude_none=True)
