r"""Which characters a text may hold that people and other programs will read. One rule, for producers and customers.

The law: what passes shows what it is. No control ends a line or a string early, no mark of direction makes it read
otherwise than it is written (Unicode TR36, "bidirectional text spoofing"), and all of it is UTF-8.

    name    type, tenant, product: 1 to 200 printable characters (`str.isprintable`: of white space only the space)
    type    a name without `*`, which stands for other types where types are chosen
    line    people's words: no controls, marks of direction, line separators, lone surrogates
    lines   the same, but tab, line feed and carriage return pass
"""

import re
from typing import Final

MAX_NAME_LENGTH: Final = 200
EVERY: Final = "*"

_DECEPTIVE: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_NOT_IN_A_LINE = re.compile(f"[\x00-\x1f{_DECEPTIVE}]")
_NOT_IN_LINES = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f{_DECEPTIVE}]")


def is_name(text: str) -> bool:
    """Whether it can be the name of something: see the page's head."""
    return 0 < len(text) <= MAX_NAME_LENGTH and text.isprintable()


def is_event_type(text: str) -> bool:
    """Whether an event can have this type. What can be published can be subscribed to, and the other way round."""
    return is_name(text) and EVERY not in text


def is_line(text: str) -> bool:
    """Whether it is one line, or empty, without characters that deceive."""
    return _NOT_IN_A_LINE.search(text) is None


def is_lines(text: str) -> bool:
    """Whether these are lines without characters that deceive."""
    return _NOT_IN_LINES.search(text) is None
