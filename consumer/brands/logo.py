"""A brand's logo: an SVG file from the brand's folder, served to browsers as it is.

The law: what is served runs nothing and asks for nothing. A file that could, or that we do not know to be unable to, is
refused with the element or attribute that is wrong.
"""

import re
from pathlib import Path
from typing import Final
from xml.parsers import expat

from consumer.brands.brand import Logo
from consumer.brands.refusal import BrandInvalid

_BYTES_MOST: Final = 32_768
_SVG: Final = "http://www.w3.org/2000/svg "
_XLINK: Final = "http://www.w3.org/1999/xlink "
_ELEMENTS: Final = frozenset(
    {
        "svg", "g", "defs", "symbol", "use", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline",
        "polygon", "text", "tspan", "linearGradient", "radialGradient", "stop", "clipPath", "mask", "style",
    }
)  # fmt: skip
_REFERS: Final = re.compile(r"url\s*\((?!\s*['\"]?\s*#)|image-set|src\s*\(|://|@|\\|javascript:|data:", re.IGNORECASE)
"""What leads out of a file: an address, a url() of another file, a rule such as @import, an escape that hides them."""
_NUMBER: Final = r"\s*([0-9]+(?:\.[0-9]+)?)(?:px)?\s*"
_BOX: Final = re.compile(r"\s*[-+0-9.]+[\s,]+[-+0-9.]+[\s,]+([0-9.]+)[\s,]+([0-9.]+)\s*")


def read_logo(folder: Path, name: str, *, of: str, field: str) -> Logo:
    """The logo of this name in the brand's folder; `of` and `field` are where the brand names it.

    Raises:
        BrandInvalid: there is none, it is too large, or it is no SVG that can only be looked at.
    """
    path = folder / name
    try:
        svg = path.read_bytes()
    except OSError as error:
        raise BrandInvalid(of, f"{field}: {name} cannot be read: {error.strerror}") from None
    if len(svg) > _BYTES_MOST:
        raise BrandInvalid(name, f"must be at most {_BYTES_MOST:,} bytes: it has {len(svg):,}")
    reader = _Reader(name)
    reader.read(svg)
    return Logo(svg=svg, ratio=_ratio(name, reader.root))


class _Reader:
    """Reads one file, and refuses what is not known to be harmless."""

    def __init__(self, name: str) -> None:
        self.root: dict[str, str] = {}
        self._name = name
        self._open: list[str] = []
        self._style: list[str] = []

    def read(self, svg: bytes) -> None:
        """Raises BrandInvalid."""
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.StartElementHandler = self._begins
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._says
        parser.StartDoctypeDeclHandler = lambda *_: self._refuse("has a DOCTYPE")
        parser.ProcessingInstructionHandler = lambda *_: self._refuse("has a processing instruction, as in <?…?>")
        try:
            parser.Parse(svg, True)  # it is the whole file
        except expat.ExpatError as error:
            raise BrandInvalid(self._name, f"is not XML: {expat.errors.messages[error.code]}") from None

    def _begins(self, tag: str, attributes: dict[str, str]) -> None:
        element = tag.removeprefix(_SVG)
        if not tag.startswith(_SVG) or element not in _ELEMENTS:
            self._refuse(f"has <{tag.rpartition(' ')[2]}>")
        if not self._open:
            if element != "svg":
                self._refuse(f"begins with <{element}>")
            self.root = attributes
        self._open.append(element)
        for attribute, value in attributes.items():
            self._attribute(attribute, value)

    def _attribute(self, attribute: str, value: str) -> None:
        name = attribute.removeprefix(_XLINK)
        plain = name.lower()
        if plain.startswith("on"):
            self._refuse(f"has the attribute {name}, which runs a script")
        if plain == "href" and not value.startswith("#"):
            self._refuse(f"refers to something outside: {name} must begin with #")
        if " " in name and name.rpartition(" ")[2] == "base":
            self._refuse("has xml:base")
        if _REFERS.search(value):
            self._refuse(f"refers to something outside: {name.rpartition(' ')[2]}")

    def _says(self, text: str) -> None:
        if self._open and self._open[-1] == "style":
            self._style.append(text)

    def _ends(self, _tag: str) -> None:
        if self._open.pop() == "style" and _REFERS.search("".join(self._style)):
            self._refuse("refers to something outside: <style>")

    def _refuse(self, found: str) -> None:
        raise BrandInvalid(self._name, f"{found}: a logo is drawn of plain shapes, and loads and runs nothing")


def _ratio(name: str, root: dict[str, str]) -> float:
    box = _BOX.fullmatch(root.get("viewBox", ""))
    sizes = [re.fullmatch(_NUMBER, root.get(side, "")) for side in ("width", "height")]
    found = (box[1], box[2]) if box else tuple(each[1] for each in sizes if each)
    try:
        width, height = (float(each) for each in found)
        ratio = width / height
    except (ValueError, ZeroDivisionError):
        raise BrandInvalid(name, 'needs a size: give its <svg> a viewBox, as in "0 0 24 24"') from None
    if not 0.2 <= ratio <= 10:  # noqa: PLR2004 # what still looks like a logo in a bar
        raise BrandInvalid(name, "must be at most ten times as wide as high, and five times as high as wide")
    return ratio
