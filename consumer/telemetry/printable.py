"""Text that others wrote, for a terminal.

The law: whatever was given, what comes out commands no terminal and turns no line around: of a character that is not to
be seen as itself (controls, directions, separators, surrogates and other invisible ones) JSON's escape is printed. So
JSON text stays JSON, of the same value. What the terminal's encoding lacks is escaped likewise.
"""

import codecs
import io
import re
import sys
from typing import Final

_WORD: Final = re.compile(r"[^ -~]+")
_ESCAPED: Final = "hookline.escaped"
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """The text on one line, everything that cannot be seen escaped."""
    return text if text.isprintable() else _WORD.sub(lambda found: "".join(map(_shown, found[0])), text)


def printable_lines(text: str) -> str:
    """The same, line by line."""
    return "\n".join(map(printable, text.split("\n")))


def _shown(character: str) -> str:
    return character if character.isprintable() else _SHORT.get(character) or _units(character)


def speak() -> None:
    """Have standard output and error say whatever there is: what their encoding lacks is escaped, as above."""
    codecs.register_error(_ESCAPED, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPED)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_units, lacking)), error.end


def _units(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
