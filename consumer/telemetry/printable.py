"""Text that others wrote, for a terminal.

The law: whatever was given, what comes out commands no terminal and turns no line around: of a character that is not to
be seen as itself (controls, directions, separators, surrogates and other invisible ones) JSON's escape is printed. So
JSON text stays JSON, of the same value.
"""

import re
from typing import Final

_WORD: Final = re.compile(r"[^ -~]+")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """The text on one line, everything that cannot be seen escaped."""
    return text if text.isprintable() else _WORD.sub(lambda found: "".join(map(_shown, found[0])), text)


def printable_lines(text: str) -> str:
    """The same, line by line."""
    return "\n".join(map(printable, text.split("\n")))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return _SHORT.get(character) or "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
