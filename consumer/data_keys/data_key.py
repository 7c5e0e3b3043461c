"""A data key that this process can seal and open with.

The law: no nonce is used twice with one key. It is 8 random bytes, drawn by each process for each key, and a count of 4
bytes; where that is at its end others are drawn. Two processes draw the same bytes with a chance of one in 2^64.
"""

import os
import threading
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consumer.kafka.sealed import KEY_ID_BYTES, NONCE_BYTES, opened, seal

KEY_BYTES: Final = 32
_COUNT_BYTES: Final = 4
_DRAWN_BYTES: Final = NONCE_BYTES - _COUNT_BYTES
_COUNT_END: Final = 2 ** (8 * _COUNT_BYTES)
# Sealed bytes do not compress, and a batch of Kafka's would have: what is shorter gains nothing.
DEFLATED_FROM_BYTES: Final = 256
_counting: Final = threading.Lock()  # of all keys: nobody holds it for long


class DataKey:
    """For many threads, and for one process: never taken along in a fork.

    There may be one for each of 100,000 tenants: a cipher that is kept weighs 2.4 KiB, and a new one costs 0.8 µs.
    """

    __slots__ = ("_count", "_draw", "_drawn", "_secret", "id", "tenant")

    def __init__(
        self, key_id: bytes, tenant: str, secret: bytes, *, draw: Callable[[int], bytes] = os.urandom, count: int = 0
    ) -> None:
        """`secret` has 32 bytes, `key_id` 8."""
        if len(secret) != KEY_BYTES or len(key_id) != KEY_ID_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes, and its id {KEY_ID_BYTES}")
        self.id = key_id
        self.tenant = tenant
        self._secret = secret
        self._draw = draw
        self._drawn = b""
        self._count = count

    def __repr__(self) -> str:
        return f"DataKey({self.id.hex()})"

    def sealed(self, plain: bytes, *, clear: bytes = b"", deflate: bool = False) -> bytes:
        """The sealed record, with a nonce of its own."""
        return seal(
            AESGCM(self._secret),
            self.id,
            self._nonce(),
            plain,
            clear=clear,
            deflate=deflate and len(plain) >= DEFLATED_FROM_BYTES,
        )

    def opened(self, value: bytes) -> bytes:
        """What it sealed.

        Raises:
            RecordCorrupt: this key did not seal it, or it was changed since.
        """
        return opened(AESGCM(self._secret), value)

    def _nonce(self) -> bytes:
        with _counting:
            if not self._drawn or self._count >= _COUNT_END:
                self._drawn, self._count = self._draw(_DRAWN_BYTES), self._count % _COUNT_END
            count, self._count = self._count, self._count + 1
            return self._drawn + count.to_bytes(_COUNT_BYTES, "big")
