"""What Avro's bytes begin with: numbers, lengths, and how many items follow.

The law: no length found in the bytes is trusted. Where they end too early an IndexError tells so.
"""

from consumer.events.reasons import PoisonReason, Refused

_VARINT_BYTES = 10
_CONTINUES = 0x80


def undecodable(detail: str) -> Refused:
    """What a value is that is no value of its schema."""
    return Refused(PoisonReason.UNDECODABLE, detail)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag number of at most 64 bits, and where it ended."""
    byte = data[at]
    if byte < _CONTINUES:
        return (byte >> 1) ^ -(byte & 1), at + 1
    number = byte & 0x7F
    for shift in range(7, 7 * _VARINT_BYTES, 7):
        at += 1
        byte = data[at]
        number |= (byte & 0x7F) << shift
        if byte < _CONTINUES:
            break
    if byte >= _CONTINUES or number >> 64:
        raise undecodable("an Avro number is longer than 64 bits, or was written with another schema")
    return (number >> 1) ^ -(number & 1), at + 1


def block(data: bytes, at: int) -> tuple[int, int]:
    """How many items follow, 0 for no more. After a negative count stands the block's size, of no use here."""
    count, at = varint(data, at)
    if count < 0:
        _, at = varint(data, at)
    return abs(count), at


def piece(data: bytes, at: int) -> tuple[bytes, int]:
    """A length and as many bytes."""
    size, at = varint(data, at)
    end = at + size
    if size < 0 or end > len(data):
        raise IndexError
    return data[at:end], end


def read_branch(value: bytes) -> tuple[int, bytes]:
    """Which branch of a union a whole value is of, and the value without that."""
    try:
        index, at = varint(value, 0)
    except IndexError:
        raise undecodable("the Avro value is cut short, or was written with another schema") from None
    return index, value[at:]
