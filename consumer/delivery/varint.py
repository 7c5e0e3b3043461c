"""Varints (LEB128): the numbers in what a commit's metadata tells. Pure."""

_CONTINUED = 0x80


def varint(number: int) -> bytearray:
    """A number from 0 on, seven bits a byte, the lowest first."""
    packed = bytearray()
    while number >= _CONTINUED:
        packed.append(number & 0x7F | _CONTINUED)
        number >>= 7
    packed.append(number)
    return packed


def read_varint(packed: bytes, at: int) -> tuple[int, int]:
    """The number at this place and the place after it. Raises IndexError where the bytes end too early."""
    number = shift = 0
    while True:
        byte = packed[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < _CONTINUED:
            return number, at
        shift += 7
