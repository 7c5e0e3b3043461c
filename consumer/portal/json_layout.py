"""JSON laid out for reading. Pure.

The law: only white space between tokens changes. Numbers, escapes, the order of members and members that are written
twice stay as they came; so what is read is what was sent. What is no JSON is left as it is.
"""

import re
from typing import Final

import msgspec

BYTES_MOST: Final = 262_144
DEPTH_MOST: Final = 64

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_OPEN: Final = {"{": "}", "[": "]"}


def laid_out(text: str) -> str | None:
    """The text with a member or an item on each line; None: it is no JSON, too large, or too deep."""
    if len(text) > BYTES_MOST or not _is_json(text):
        return None
    tokens = _TOKEN.findall(text)
    parts: list[str] = []
    depth = 0
    for number, token in enumerate(tokens):
        after = tokens[number + 1] if number + 1 < len(tokens) else ""
        if token in _OPEN:
            depth += 1
            if depth > DEPTH_MOST:
                return None
            parts += [token] if after == _OPEN[token] else [token, _line(depth)]
        elif token in {"}", "]"}:
            depth -= 1
            parts += [token] if tokens[number - 1] in _OPEN else [_line(depth), token]
        elif token == ",":
            parts += [token, _line(depth)]
        else:
            parts.append(": " if token == ":" else token)
    return "".join(parts)


def _line(depth: int) -> str:
    return "\n" + "  " * depth


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text.encode(), type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True
