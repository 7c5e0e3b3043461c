"""Floats of 32 bits as text.

The law: `shortest` is the shortest decimal that is read back as the same float of 32 bits. (The same number as a double
has up to 17 digits, of which only 6 to 9 were ever meant.)
"""

import math
import struct
from decimal import Context, Decimal
from typing import Final

_FLOAT: Final = struct.Struct("<f")
_ALWAYS_APART: Final = 6  # digits by which any two decimals are other floats, unless they are subnormal
_ENOUGH: Final = 9  # digits that name any float
_SMALLEST_NORMAL: Final = 2.0**-126


def shortest(value: float) -> float:
    """The double whose own text is the shortest one for this finite float of 32 bits."""
    size = abs(value)
    if size == 0:
        return value
    fewest = _ALWAYS_APART if size >= _SMALLEST_NORMAL else 1
    found = next(text for digits in range(fewest, _ENOUGH + 1) for text in _candidates(size, digits) if _is(text, size))
    return math.copysign(float(found), value)


def _candidates(size: float, digits: int) -> tuple[str, ...]:
    """The nearest decimal of so many digits, and for a power of two the next one.

    The floats below it lie denser than those above it: a decimal above may be the same float although the nearest,
    which lies below, is not.
    """
    near = f"{size:.{digits}g}"
    if math.frexp(size)[0] != 0.5:  # noqa: PLR2004 - what is left of a power of two without its exponent
        return (near,)
    return near, str(Decimal(near).next_plus(Context(prec=digits)))


def _is(text: str, size: float) -> bool:
    return bool(_FLOAT.unpack(_FLOAT.pack(float(text)))[0] == size)
