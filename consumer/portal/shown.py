"""Text that others wrote, as a page shows it. Pure.

The law: whatever was given, what is shown is what is there. A control character shows as its symbol, a mark that turns
text around as its number; a new line and a tab stay. Nothing is left out.
"""

import re
from typing import Final

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SYMBOLS: Final = 0x2400
_DELETE: Final = 0x7F


def shown(text: str) -> str:
    """The text, with nothing in it that cannot be seen."""
    return _HIDDEN.sub(_symbol, text.replace("\r\n", "\n")) if _HIDDEN.search(text) else text


def _symbol(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < ord(" "):
        return chr(_SYMBOLS + code)
    return "\u2421" if code == _DELETE else f"[U+{code:04X}]"
