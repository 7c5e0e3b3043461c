"""A record sealed with its tenant's data key: how it is laid out, sealed and opened. Pure.

     0            10          18         30         31
    +------------+-----------+----------+----------+---------------------+---------------------------+
    | C3 01 head | key id: 8 | nonce:12 | deflated | clear: length, ...  | sealed: length, AES-GCM's |
    |            |           |          |          |                     | ciphertext and tag        |
    +------------+-----------+----------+----------+---------------------+---------------------------+
     ^-------------------- what the ciphertext is bound to -------------------^

The laws:
- what was sealed is opened equal, and a change of any byte, of the clear part too, is found;
- it is bound to no topic, partition or offset: what waits goes from one topic to the next. What kind of record it is
  and whose, the record inside says itself, and the key is its tenant's alone;
- a nonce is never used twice with one key: whoever seals sees to that (`data_keys/data_key.py`).
"""

import zlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consumer.kafka.avro_bytes import reading
from consumer.kafka.avro_text import varint
from consumer.schemas import avro_history
from consumer.wire import HEAD_BYTES, RecordCorrupt, WireFormat

SEALED: Final = WireFormat(avro_history("Sealed"))
KEY_ID_BYTES: Final = 8
NONCE_BYTES: Final = 12
OVERHEAD_BYTES: Final = 64
"""By so much, at most, a sealed record is larger than the record itself, where nothing is deflated."""

_HEAD: Final = SEALED.head
_NONCE_AT: Final = HEAD_BYTES + KEY_ID_BYTES
_DEFLATED_AT: Final = _NONCE_AT + NONCE_BYTES
_CLEAR_AT: Final = _DEFLATED_AT + 1
_TAG_BYTES: Final = 16
_RAW: Final = -15  # a window of 32 KiB, and neither head nor checksum: the tag is one
_FAST: Final = 1
_INFLATED_MOST: Final = 256 * 1_048_576
_read_clear: Final = reading("b")
_read_both: Final = reading("bb")


class KeyDestroyed(Exception):  # noqa: N818 # it names a state, as the glossary does
    """The data key with which this was sealed was destroyed: its tenant was erased."""


class KeyLocked(RecordCorrupt):
    """The data key is there and cannot be opened: the message says why."""


def is_sealed(value: bytes) -> bool:
    """Whether this is a sealed record."""
    return value.startswith(_HEAD)


def key_id_of(value: bytes) -> bytes:
    """The id of the data key that opens a sealed record.

    Raises:
        RecordCorrupt: it is cut.
    """
    if len(value) < _CLEAR_AT:
        raise RecordCorrupt("malformed: it is cut")
    return value[HEAD_BYTES:_NONCE_AT]


def clear_of(value: bytes) -> bytes:
    """What of a sealed record stands in the clear: of an attempt a record without its contents, else nothing.

    Nobody knows whether it was changed until the rest is opened.

    Raises:
        RecordCorrupt: it is cut.
    """
    try:
        (clear,), _ = _read_clear(value, _CLEAR_AT)
    except ValueError as error:
        raise RecordCorrupt(f"malformed: {error}") from error
    return bytes(clear)


def seal(
    cipher: AESGCM, key_id: bytes, nonce: bytes, plain: bytes, *, clear: bytes = b"", deflate: bool = False
) -> bytes:
    """The sealed record. The nonce is used once with this key."""
    if deflate:
        deflater = zlib.compressobj(_FAST, zlib.DEFLATED, _RAW)
        plain = deflater.compress(plain) + deflater.flush()
    lengths = varint(len(clear)).encode("latin-1"), varint(len(plain) + _TAG_BYTES).encode("latin-1")
    bound = b"".join((_HEAD, key_id, nonce, b"\x01" if deflate else b"\x00", lengths[0], clear, lengths[1]))
    return bound + cipher.encrypt(nonce, plain, bound)


def opened(cipher: AESGCM, value: bytes) -> bytes:
    """What was sealed.

    Raises:
        RecordCorrupt: it was changed, it is cut, or another key sealed it.
    """
    try:
        (_, ciphertext), end = _read_both(value, _CLEAR_AT)
    except ValueError as error:
        raise RecordCorrupt(f"malformed: {error}") from error
    if end != len(value):
        raise RecordCorrupt(f"{len(value) - end} bytes follow the record")
    try:
        plain = cipher.decrypt(value[_NONCE_AT:_DEFLATED_AT], ciphertext, value[: end - len(ciphertext)])
    except (InvalidTag, ValueError):  # ValueError: too short to hold a tag
        raise RecordCorrupt("sealed, and changed since") from None
    return _inflated(plain) if value[_DEFLATED_AT] else plain


def _inflated(plain: bytes) -> bytes:
    """Whoever has the key deflated it, so it is no larger than what we write."""
    inflater = zlib.decompressobj(_RAW)
    try:
        whole = inflater.decompress(plain, _INFLATED_MOST)
    except zlib.error as error:
        raise RecordCorrupt("sealed, and nothing that was deflated") from error
    if not inflater.eof:
        raise RecordCorrupt("sealed, and cut before it was")
    return whole
