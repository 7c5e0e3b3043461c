"""All tenants' data keys, as far as their topic was read: the fold of its records.

The laws:
- a key that is gone from here opens nothing any more. What is still under way for its tenant is sealed with it all the
  same, and so is unreadable when it is written: never in the clear;
- a destroyed key stays destroyed, whatever is written of it later;
- a key that cannot be opened is no destroyed one, and whatever it sealed says why it stays shut. Only the last record
  of a key says whether it can be: those before it may be sealed with encryption keys that nobody needs any more.
  Where no key opens that was sealed under an id of the ring, the ring has another encryption key under that id;
- one that was opened stays open while its record is sealed anew under an encryption key that this process has not.
"""

import threading
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from consumer.data_keys.data_key import DataKey
from consumer.data_keys.key_record import SealedKey, decode, id_of, secret_of
from consumer.events.event import Record
from consumer.telemetry.bugs import decoded
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("keys")

_NO_RING: Final = "HOOKLINE_ENCRYPTION_KEYS is not set"


@dataclass(frozen=True, slots=True)
class Locked:
    """A key that is there and cannot be opened, and why. `sealed_with` is the id of an encryption key."""

    tenant: str
    why: str
    sealed_with: str


Held: TypeAlias = DataKey | Locked


class Ring:
    """Written by the thread that follows the topic, read by any."""

    def __init__(self, keyring: Keyring | None) -> None:
        self._keyring = keyring
        self._held: dict[bytes, Held] = {}
        self._of: dict[str, DataKey] = {}
        self._gone: set[bytes] = set()
        self._open_with: set[str] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def of(self, key_id: bytes) -> Held | None:
        """The key of this id; None: it is not there, as far as the topic was read."""
        return self._held.get(key_id)

    def sealing(self, tenant: str) -> DataKey | None:
        """What seals for a tenant: its key, or where that was destroyed the one that it had."""
        return self._of.get(tenant)

    def has(self, tenant: str) -> bool:
        """Whether the tenant has a key that seals and opens."""
        key = self._of.get(tenant)
        return key is not None and key.id in self._held

    @property
    def locked(self) -> list[Locked]:
        """Those that cannot be opened."""
        with self._lock:
            return [each for each in self._held.values() if isinstance(each, Locked)]

    @property
    def wrong(self) -> list[str]:
        """The ids of encryption keys under which there are data keys, and not one that opens with the ring's."""
        ids = () if self._keyring is None else self._keyring.ids
        shut = {each.sealed_with for each in self.locked}
        return [key_id for key_id in ids if key_id in shut and key_id not in self._open_with]

    def apply(self, record: Record) -> None:
        """Take the next record of the topic. One that is no data key is told of and passed over."""
        key_id = id_of(record.key)
        if key_id is None:
            return
        if record.value is None:
            self._destroyed(bytes.fromhex(key_id))
            return
        try:
            self._came(decoded(record, decode, record.value, key_id))
        except RecordCorrupt as error:
            _log.error("not a data key", partition=record.partition, offset=record.offset, error=str(error))

    def forget(self) -> None:
        """The topic is another one."""
        with self._lock:
            self._held, self._gone = {}, set()

    def _came(self, sealed: SealedKey) -> None:
        key_id = bytes.fromhex(sealed.id)
        if key_id in self._gone or isinstance(self._held.get(key_id), DataKey):
            return
        try:
            held: Held = DataKey(key_id, sealed.tenant, self._secret(sealed))
        except SecretUnreadable as error:
            held = Locked(sealed.tenant, str(error), sealed.sealed.key_id)
        with self._lock:
            if isinstance(held, DataKey):
                self._open_with.add(sealed.sealed.key_id)
            self._held[key_id] = held
            if isinstance(held, DataKey) and not self.has(sealed.tenant):
                self._of[sealed.tenant] = held

    def _secret(self, sealed: SealedKey) -> bytes:
        if self._keyring is None:
            raise SecretUnreadable(sealed.sealed.key_id, _NO_RING)
        return secret_of(self._keyring, sealed)

    def _destroyed(self, key_id: bytes) -> None:
        with self._lock:
            self._gone.add(key_id)
            gone = self._held.pop(key_id, None)
            if not isinstance(gone, DataKey) or self._of.get(gone.tenant) is not gone:
                return
            others = (each for each in self._held.values() if isinstance(each, DataKey) and each.tenant == gone.tenant)
            self._of[gone.tenant] = next(others, gone)
