"""A brand's look as browsers get it: a style sheet of custom properties, and its logos.

The law: the names of these files are made of their bytes, so they hold for ever; and a brand sets the values that
pages.css asks for, and no rule of its own.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from consumer.brands.brand import Logo, PagesLook
from consumer.portal.assets import Asset
from consumer.portal.shades import DARK, LIGHT, Shades, lightened, shades

BASE: Final = "/portal/brand."
_WORDMARK_FROM: Final = 1.6
"""From so much wider than high on a logo has the name in it: then it stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dress:
    """What pages of a brand name: its style sheet, its icon, and whether its logo says its name already."""

    css_url: str
    icon_url: str | None
    wordmark: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wardrobe:
    """The files of brands, by their paths."""

    files: dict[str, Asset]

    def find(self, path: str) -> Asset | None:
        """The file at this path, of these bytes."""
        return self.files.get(path)


def dress(look: PagesLook) -> Dress:
    """What the pages of this look name."""
    return _made(look)[0]


def wardrobe(looks: Iterable[PagesLook]) -> Wardrobe:
    """The files of all of these."""
    return Wardrobe(files={path: asset for look in looks for path, asset in _made(look)[1]})


@cache
def _made(look: PagesLook) -> tuple[Dress, tuple[tuple[str, Asset], ...]]:
    dark_logo = look.logo_dark or look.logo
    logos = [_file(each.svg, "svg") for each in dict.fromkeys((look.logo, dark_logo)) if each is not None]
    light, dark = _logo(look.logo), _logo(dark_logo)
    dark_accent = look.accent_dark or lightened(look.accent)
    in_dark = _colours(shades(dark_accent, DARK)) + dark
    css = (
        f":root{{--r:{look.radius_px}px;{_colours(shades(look.accent, LIGHT))}{light}}}\n"
        f"[data-theme=dark]{{{in_dark}}}\n"
        f"@media (prefers-color-scheme:dark){{[data-theme=auto]{{{in_dark}}}}}\n"
    )
    sheet = _file(css.encode(), "css")
    wordmark = look.logo is not None and look.logo.ratio >= _WORDMARK_FROM
    icon = None if look.logo is None or wordmark else _file(look.logo.svg, "svg")[0]
    return Dress(css_url=sheet[0], icon_url=icon, wordmark=wordmark), (sheet, *logos)


def _colours(of: Shades) -> str:
    return (
        f"--accent:{of.link};--focus:{of.link};--accent-soft:{of.soft};--fill:{of.fill};--fill-hover:{of.hovered};"
        f"--fill-edge:{of.edge};--accent-text:{of.on_fill};"
    )


def _logo(logo: Logo | None) -> str:
    if logo is None:
        return ""
    return f"--logo:url({_file(logo.svg, 'svg')[0]}) center/contain no-repeat;--logo-ratio:{logo.ratio:.3f};--logo-r:0;"


def _file(body: bytes, kind: str) -> tuple[str, Asset]:
    media_type = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}[kind]
    return f"{BASE}{hashlib.sha256(body).hexdigest()[:16]}.{kind}", Asset(body=body, media_type=media_type)
