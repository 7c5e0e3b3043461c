"""Tenants' data keys in one process: followed, made where there is none, and found by their ids.

The laws:
- a key seals nothing before its record is acknowledged and was read back. So of a sealed record the key was on the
  topic first: one that is not known once the topic was read to its end was destroyed, and comes never again;
- of two processes that make a key for one tenant at once each seals with the one that comes first on the topic, and
  whose came second destroys it. Should he die before that there are two: both open, and both go with the tenant;
- nobody here waits for longer than he was told to.

Whoever only reads connects with the first sealed record that he meets.
"""

import os
import threading
import time
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Final, NamedTuple

import structlog

from consumer.data_keys.data_key import DataKey
from consumer.data_keys.key_record import destroyed, record_of, sealed_key
from consumer.data_keys.ring import Locked, Ring
from consumer.kafka.client import AccessDenied, KafkaBroken
from consumer.kafka.ends import EndsReader
from consumer.kafka.newer import NewerRecord
from consumer.kafka.sealed import KEY_ID_BYTES, KeyDestroyed, KeyLocked, key_id_of
from consumer.kafka.topic_specs import Topics
from consumer.kafka.topic_writer import Place, TopicWriter
from consumer.kafka.view import TopicView
from consumer.settings import Settings
from consumer.telemetry.outage import Outage
from consumer.webhooks.keyring import Keyring

_log = structlog.get_logger("keys")

WITHIN_S: Final = 2.0
"""For so long whoever reads one record waits for its key."""
_SECRET_BYTES: Final = 32
_GONE_MOST: Final = 100_000


class _Making(NamedTuple):
    """A key under way to the topic."""

    key_id: str
    writing: "Future[Place]"


class TenantKeys:
    """For many threads of one process."""

    def __init__(self, settings: Settings, keyring: Keyring | None = None) -> None:
        """Nothing is connected yet. Without `keyring` the settings' is taken, if they have one.

        Raises:
            ConfigurationError: the encryption keys are malformed.
        """
        if keyring is None and settings.encryption_keys:
            keyring = Keyring.from_settings(settings)
        self._settings = settings
        self._keyring = keyring
        self._topic = Topics.of(settings).tenant_keys
        self.on = settings.tenant_keys == "on"
        """Whether what is written is sealed."""
        self.ring = Ring(keyring)
        self._view: TopicView | None = None
        self._ends: EndsReader | None = None
        self._writer: TopicWriter | None = None
        self._made: dict[str, _Making] = {}
        self._gone: set[bytes] = set()
        self._one_order = False
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._unreadable = Outage(_log, "tenants' keys not read")

    def start(self) -> TopicView:
        """Follow the topic, from its beginning."""
        with self._lock:
            if self._view is None:
                self._view = TopicView(self._settings, self._topic, self.ring)
                self._view.start()
            return self._view

    @property
    def ready(self) -> bool:
        """Whether all was read that the topic held at the start."""
        return self.start().ready

    def close(self) -> None:
        """Follow it no more."""
        with self._lock:
            view, self._view, writer, self._writer = self._view, None, self._writer, None
        if writer is not None:
            writer.close()
        if view is not None:
            view.close()

    # ── what seals ───────────────────────────────────────────────────────────────────────────────────────────────

    def ensure(self, tenants: Iterable[str], within_s: float) -> frozenset[str]:
        """See to it that these have a key. Those that have none yet when the time is over; their keys are on their way.

        Raises:
            AccessDenied, NewerRecord: the topic may not be read, or cannot be read by this version.
        """
        lacking = [tenant for tenant in tenants if not self.ring.has(tenant)]
        if not lacking:
            return frozenset()
        until_s = time.monotonic() + within_s
        view = self.start()
        try:
            if not self._caught_up(view, within_s):
                return frozenset(lacking)  # a key may be there that was not read
        except (AccessDenied, NewerRecord):
            raise
        except KafkaBroken as error:
            self._unreadable.met(error=str(error))
            return frozenset(lacking)
        made = {tenant: self._make(tenant) for tenant in lacking if not self.ring.has(tenant)}
        for tenant, making in made.items():
            left_s = max(0.0, until_s - time.monotonic())
            try:
                place = making.writing.result(left_s)
            except NotYet:
                continue
            except KafkaBroken as error:
                self._unreadable.met(error=str(error))
            else:
                view.reached({place.partition: place.offset + 1}, max(0.0, until_s - time.monotonic()))
            self._done(tenant, making)
        left = frozenset(tenant for tenant in lacking if not self.ring.has(tenant))
        if not left:
            self._unreadable.over()
        return left

    def sealing(self, tenant: str) -> DataKey:
        """What seals for a tenant of which somebody has ensured a key.

        Raises:
            LookupError: nobody has: a bug.
        """
        key = self.ring.sealing(tenant)
        if key is None:
            raise LookupError("no data key was made for this tenant")
        return key

    # ── what opens ───────────────────────────────────────────────────────────────────────────────────────────────

    def opened(self, value: bytes, *, within_s: float = WITHIN_S) -> bytes:
        """The record that was sealed. Waits for its key, if that may still come.

        Raises:
            KeyDestroyed: its tenant was erased.
            KeyLocked, RecordCorrupt: its key cannot be opened; it was changed.
            KafkaBroken: the topic of tenants' keys cannot be read now.
        """
        self.wait_for(value, within_s=within_s)
        return self.opened_now(value)

    def wait_for(self, value: bytes, *, within_s: float = WITHIN_S) -> None:
        """Wait until it is known whether the key of this record is there.

        Raises:
            RecordCorrupt: it is cut.
            KafkaBroken: the topic of tenants' keys cannot be read now.
        """
        if not self.settle([key_id_of(value)], within_s):
            raise KafkaBroken(f"{self._topic} could not be read to its end within {within_s:g} s")

    def opened_now(self, value: bytes) -> bytes:
        """The same of a record whose key is settled. Raises KeyDestroyed, KeyLocked, RecordCorrupt."""
        key = self.ring.of(key_id_of(value))
        match key:
            case None:
                raise KeyDestroyed
            case Locked():
                raise KeyLocked(f"its tenant's data key stays shut: {key.why}")
            case DataKey():
                return key.opened(value)

    def is_settled(self, key_id: bytes) -> bool:
        """Whether it is known of a key that it is there, or that it never will be."""
        return self.ring.of(key_id) is not None or key_id in self._gone

    def settle(self, key_ids: Collection[bytes], within_s: float) -> bool:
        """Find out of these whether they are there. False: it could not be found out in this time."""
        unknown = [key_id for key_id in key_ids if not self.is_settled(key_id)]
        if not unknown:
            return True
        try:
            if not self._caught_up(self.start(), within_s):
                return False
        except KafkaBroken as error:
            self._unreadable.met(error=str(error))
            return False
        self._unreadable.over()
        if len(self._gone) >= _GONE_MOST:
            self._gone = set()
        self._gone |= {key_id for key_id in unknown if self.ring.of(key_id) is None}
        return True

    def _caught_up(self, view: TopicView, within_s: float) -> bool:
        """Read all that the topic holds now."""
        until_s = time.monotonic() + within_s
        with self._asking:
            if self._ends is None:
                self._ends = EndsReader(self._settings, [self._topic])
            ends = self._ends.read(within_s)
            self._one_order = len(ends[self._topic]) == 1
        return view.reached(ends[self._topic], max(0.0, until_s - time.monotonic()))

    def _make(self, tenant: str) -> "_Making":
        """A key for a tenant: that under way, or a new one."""
        if self._keyring is None:
            raise AssertionError("who seals has encryption keys")
        with self._lock:
            if self._writer is None:
                self._writer = TopicWriter(self._settings)
            making = self._made.get(tenant)
            if making is None:
                key = sealed_key(
                    self._keyring,
                    key_id=os.urandom(KEY_ID_BYTES).hex(),
                    tenant=tenant,
                    secret=os.urandom(_SECRET_BYTES),
                    created_at_ms=time.time_ns() // 1_000_000,
                )
                making = self._made[tenant] = _Making(key.id, self._writer.write(record_of(self._topic, key)))
            return making

    def _done(self, tenant: str, making: "_Making") -> None:
        """It is on the topic, or failed. Nobody seals with one that came second, where all read in one order."""
        used = self.ring.sealing(tenant)
        with self._lock:
            if self._made.get(tenant) is making:
                del self._made[tenant]
            came_second = self.ring.has(tenant) and used is not None and used.id.hex() != making.key_id
            if came_second and self._one_order and self._writer is not None:
                self._writer.write(destroyed(self._topic, making.key_id))
