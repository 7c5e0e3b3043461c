"""The partition of a key, as Kafka's own clients choose it, and all our producers. Pure.

murmur2 (`org.apache.kafka.common.utils.Utils`) without its sign, modulo the number of partitions.
"""

from typing import Final

PARTITIONER: Final = "murmur2_random"
"""As librdkafka calls it; a record without a key goes anywhere."""

_SEED, _M, _R, _BITS = 0x9747B28C, 0x5BD1E995, 24, 0xFFFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """Which of so many partitions the records of a key go to."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """Kafka's murmur2 of these bytes, unsigned: 32 bits."""
    whole = len(data) & ~3
    found = _SEED ^ len(data)
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * _M & _BITS
        word = (word ^ (word >> _R)) * _M & _BITS
        found = (found * _M & _BITS) ^ word
    if rest := data[whole:]:
        found = (found ^ int.from_bytes(rest, "little")) * _M & _BITS
    found = (found ^ (found >> 13)) * _M & _BITS
    return found ^ (found >> 15)
