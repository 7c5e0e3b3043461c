"""JSON laid out for reading. Pure.

The law: only white space between tokens changes. Numbers, escapes, the order of members and members that are written
twice stay as they came; so what is read is what was sent. What is no JSON is left as it is.
"""

import re
from typing import Final

import msgspec

LENGTH_MOST: Final = 262_144
DEPTH_MOST: Final = 64

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_CLOSES: Final = {"{": "}", "[": "]"}
_BREAKS: Final = frozenset("{}[],")


def laid_out(text: str) -> str | None:
    """The text with a member or an item on each line; None: it is no JSON, too deep, or too large, so or laid out."""
    if len(text) > LENGTH_MOST or not _is_json(text):
        return None
    written: list[str] = []
    depth, before, added = 0, "", 0
    for each in _TOKEN.findall(text):
        # A line of a deep item is longer than the item by far.
        added += 1 + len(_line(depth)) if each in _BREAKS else 0
        if len(text) + added > LENGTH_MOST:
            return None
        if before in _CLOSES and each != _CLOSES[before]:
            written.append(_line(depth))
        if each in _CLOSES:
            depth += 1
            if depth > DEPTH_MOST:
                return None
            written.append(each)
        elif each in {"}", "]"}:
            depth -= 1
            written += [each] if before in _CLOSES else [_line(depth), each]
        else:
            written += [each, _line(depth)] if each == "," else [": " if each == ":" else each]
        before = each
    return "".join(written)


def _line(depth: int) -> str:
    return "\n" + "  " * depth


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text.encode(), type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True
