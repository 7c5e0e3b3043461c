"""Every API key there is: the fold of the state topic's `key:` records.

The law: a text opens something only when it is the whole key, unrevoked and unexpired. Every other text is refused
alike and after the same work: one SHA-256 and one comparison in constant time, whether the key is unknown, revoked,
expired, of another brand's prefix or only guessed. A record that cannot be read takes its key away rather than leave
an older state in force.
"""

import hmac
import threading
from typing import Final

import structlog

from consumer.control.key_record import decode, id_of
from consumer.control.keys import ApiKey, digest_of, parse
from consumer.events.event import Record
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("keys")

# Compared with where there is no key. No text has this digest, or SHA-256 is broken.
_NOBODYS: Final = bytes(32)


class KeyDirectory:
    """May be used by several threads; `apply` by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, ApiKey] = {}

    def apply(self, record: Record) -> None:
        """Take a record of the state topic; those of other kinds are passed over."""
        key_id = id_of(record.key)
        if key_id is None:
            return
        try:
            key = None if record.value is None else decoded(record, decode, record.value, key_id)
        except RecordCorrupt as error:
            _log.error("not an API key", partition=record.partition, offset=record.offset, error=str(error))
            key = None
        with self._lock:
            if key is None:
                self._keys.pop(key_id, None)
            else:
                self._keys[key_id] = key

    def forget(self) -> None:
        """Begin anew: the topic is another one."""
        with self._lock:
            self._keys.clear()

    def find(self, text: str, now_ms: int) -> ApiKey | None:
        """The key of which this is the text, if it holds now."""
        claimed = parse(text)
        key = None if claimed is None else self._keys.get(claimed)
        proven = hmac.compare_digest(digest_of(text), _NOBODYS if key is None else key.digest)
        return key if proven and key is not None and key.holds(now_ms) else None

    def get(self, key_id: str) -> ApiKey | None:
        """The key of this id, whether it holds or not."""
        return self._keys.get(key_id)

    def listed(self, *, tenant: str | None = None, brand: str | None = None) -> list[ApiKey]:
        """Every key of this tenant and brand (None: of any), revoked ones too, oldest first."""
        with self._lock:
            keys = list(self._keys.values())
        mine = (key for key in keys if tenant in {None, key.tenant} and brand in {None, key.brand})
        return sorted(mine, key=lambda key: (key.created_at_ms, key.id))
