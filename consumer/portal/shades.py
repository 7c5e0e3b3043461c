"""The colours that pages make of a brand's accent. Pure.

The law: whatever the accent is, what is written in it can be read and what is edged with it can be seen, on every
surface of our pages, light and dark: links have a contrast of 4.5 at least, edges of 3 (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Colour: TypeAlias = tuple[int, int, int]

_READ: Final = 4.5
_SEEN: Final = 3.0
_STEPS: Final = 64
_HOVERED: Final = 0.14
BLACK: Final[Colour] = (0, 0, 0)
WHITE: Final[Colour] = (255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """The surfaces of pages.css in one mode. Towards `ink` an accent is shaded; `tint` of it colours what is chosen."""

    surface: str
    others: tuple[str, ...]
    ink: Colour
    tint: float


LIGHT: Final = Scheme(surface="#ffffff", others=("#f6f7f9", "#f1f3f6"), ink=BLACK, tint=0.1)
DARK: Final = Scheme(surface="#161a21", others=("#0e1116", "#1d222b", "#11151b"), ink=WHITE, tint=0.18)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shades:
    """`link` is what is written, `soft` the surface of what is chosen. A button is `fill`, its text `on_fill`."""

    link: str
    soft: str
    fill: str
    hovered: str
    edge: str
    on_fill: str


def shades(accent: str, scheme: Scheme) -> Shades:
    """Of an accent, `#rrggbb`."""
    brand, surface = colour(accent), colour(scheme.surface)
    surfaces = [surface, *(colour(each) for each in scheme.others)]
    soft = mixed(surface, brand, scheme.tint)
    on_fill = max((WHITE, BLACK), key=lambda each: contrast(each, brand))
    return Shades(
        link=written(_shaded(brand, scheme.ink, _READ, [*surfaces, soft])),
        soft=written(soft),
        fill=written(brand),
        hovered=written(mixed(brand, BLACK if on_fill == WHITE else WHITE, _HOVERED)),
        edge=written(_shaded(brand, scheme.ink, _SEEN, surfaces)),
        on_fill=written(on_fill),
    )


def lightened(accent: str) -> str:
    """An accent for dark pages, of the one for light pages: as it is, where it can be seen there."""
    surfaces = [colour(each) for each in (DARK.surface, *DARK.others)]
    return written(_shaded(colour(accent), DARK.ink, _SEEN, surfaces))


def contrast(one: Colour, other: Colour) -> float:
    """WCAG 2.2's ratio: 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Towards the other by this share."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def colour(text: str) -> Colour:
    """Of `#rrggbb`."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def written(of: Colour) -> str:
    """As `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*of)


def _shaded(of: Colour, ink: Colour, least: float, surfaces: Sequence[Colour]) -> Colour:
    """The first step towards the ink that has this contrast on all of these. The ink itself has."""
    steps = (mixed(of, ink, step / _STEPS) for step in range(_STEPS + 1))
    return next(each for each in steps if all(contrast(each, surface) >= least for surface in surfaces))


def _luminance(of: Colour) -> float:
    red, green, blue = (_linear(part / 255) for part in of)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 # sRGB's
