"""How deep JSON may nest, found without building it.

The law: this takes time in proportion to the text and the limit, whatever the text is.
"""

import re

from consumer.events.reasons import PoisonReason, Refused

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")


def check_depth(data: bytes, limit: int) -> None:
    """Refuse valid JSON whose objects and arrays nest deeper than `limit`. A scalar has depth 0."""
    # `count` looks at every byte in turn, `replace` jumps from one that is found to the next.
    opened = 2 * len(data) - len(data.replace(b"{", b"")) - len(data.replace(b"[", b""))
    if opened > limit and depth(data, limit + 1) > limit:
        raise Refused(PoisonReason.TOO_DEEP, f"data nests deeper than {limit} levels: flatten it")


def depth(data: bytes, enough: int) -> int:
    """How deep valid JSON nests, counted up to `enough`.

    Strings are dropped, every bracket made square, and then each round removes all innermost pairs: the rounds are
    the depth.
    """
    brackets = _STRING.sub(b"", data).translate(_BRACKETS, _NO_BRACKET)
    rounds = 0
    while brackets and rounds < enough:
        brackets = brackets.replace(b"[]", b"")
        rounds += 1
    return rounds
