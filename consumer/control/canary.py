"""Canaries: for every encryption key that was ever used, a text on the state topic that only this key opens.

The law: an id names one key for ever. Whoever holds another key under a known id is refused before it opens or seals
anything; one that is not known yet may be held by anybody, until it is first used for sealing and its canary written.
"""

import time
from collections.abc import Collection
from typing import Final

import structlog

from consumer.events.event import Record
from consumer.kafka import subscriptions
from consumer.kafka.client import KafkaBroken
from consumer.kafka.reading import TopicMissing, read_to_end
from consumer.kafka.state_kind import StateKind
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.schemas import avro_history
from consumer.settings import ConfigurationError, Settings
from consumer.telemetry.bugs import decoded
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.subscription import SealedSecret
from consumer.wire import RecordCorrupt, WireFormat

_log = structlog.get_logger("keys")

CANARY: Final = WireFormat(avro_history("Canary"))
_CANARY: Final = StateKind(b"canary:")
_TEXT: Final = b"hookline"
_NO_TENANT: Final = ""
# A start waits no longer than this for a long topic: an unchecked key is refused where it opens nothing.
_PATIENCE_S: Final = 5.0


class Canaries:
    """What is known of the keys' ids: the fold of the state topic's `canary:` records."""

    def __init__(self) -> None:
        self._known: dict[str, SealedSecret | None] = {}

    def apply(self, record: Record) -> None:
        """Take a record of the state topic; those of other kinds are passed over.

        One that cannot be read keeps its id from being used for a new key, and says nothing of the key.
        """
        key_id = _CANARY.name_of(record.key)
        if key_id is None:
            return
        canary = None
        try:
            if record.value is not None:
                row = decoded(record, CANARY.decode, record.value)
                canary = SealedSecret(**row)
        except RecordCorrupt as error:
            _log.error("not a canary", partition=record.partition, offset=record.offset, error=str(error))
        if record.value is None:
            self._known.pop(key_id, None)
        else:
            self._known[key_id] = canary

    def unknown(self, keyring: Keyring) -> tuple[str, ...]:
        """The ids of the ring's keys that have no canary.

        Raises:
            ConfigurationError: a key is not the one its id names.
        """
        for key_id in keyring.ids:
            canary = self._known.get(key_id)
            if canary is not None and not _opens(keyring, canary, key_id):
                raise _wrong(key_id)
        return tuple(key_id for key_id in keyring.ids if key_id not in self._known)


def check(settings: Settings, keyring: Keyring) -> None:
    """Hold the ring against the canaries there are. For a role's start: without a state topic there are none.

    Reads the topic until every key is known, at most 5 s long.

    Raises:
        ConfigurationError: a key is not the one its id names.
        KafkaBroken: the topic could not be read.
    """
    canaries = Canaries()
    until_s = time.monotonic() + _PATIENCE_S
    try:
        for record in read_to_end(settings, Topics.of(settings).state):
            canaries.apply(record)
            if _CANARY.name_of(record.key) is not None and _settled(canaries, keyring):
                return
            if time.monotonic() > until_s:
                _log.warning("encryption keys not checked", reason="the state topic is too long to be read at a start")
                break
    except TopicMissing:
        return
    except KafkaBroken as error:
        if error.code != "TOPIC_AUTHORIZATION_FAILED":
            raise
        _log.warning("encryption keys not checked", reason=str(error))
    canaries.unknown(keyring)


def ensure(settings: Settings, keyring: Keyring) -> None:
    """Hold the ring against the canaries, and write those that are missing. For whoever seals secrets.

    A key that was in use before there were canaries must open a webhook's secret first: a wrong one must never become
    the one its id names. Without a state topic there is no place for canaries, and nothing to hold against.

    Raises:
        ConfigurationError: a key is not the one its id names, also when somebody else wrote its canary just now.
        KafkaBroken: the topic could not be read or written.
    """
    try:
        unknown = _read(settings).unknown(keyring)
        if unknown:
            _hold_against_webhooks(settings, keyring, unknown)
            write_now(settings, [canary_record(settings, keyring, key_id) for key_id in unknown])
            _read(settings).unknown(keyring)
    except TopicMissing:
        return


def sealing_keyring(settings: Settings) -> Keyring:
    """The keyring of the settings, for whoever seals secrets. Raises as `Keyring.from_settings` and `ensure` do."""
    keyring = Keyring.from_settings(settings)
    ensure(settings, keyring)
    return keyring


def canary_record(settings: Settings, keyring: Keyring, key_id: str) -> NewRecord:
    """The record that makes this key the one its id names."""
    sealed = keyring.only(key_id).seal(_TEXT, tenant=_NO_TENANT, subscription_id=_bound_to(key_id))
    value = CANARY.encode({"key_id": sealed.key_id, "sealed": sealed.sealed})
    return NewRecord(topic=Topics.of(settings).state, key=_CANARY.key_of(key_id), value=value)


def _read(settings: Settings) -> Canaries:
    canaries = Canaries()
    for record in read_to_end(settings, Topics.of(settings).state):
        canaries.apply(record)
    return canaries


def _hold_against_webhooks(settings: Settings, keyring: Keyring, key_ids: Collection[str]) -> None:
    """Refuse a key under which there are secrets and none of them opens."""
    try:
        webhooks = subscriptions.read_all(settings)
    except TopicMissing:
        return
    opens: dict[str, bool] = {}
    for webhook in webhooks.values():
        key_id = webhook.secret.key_id
        if key_id in key_ids and not opens.get(key_id):
            opens[key_id] = _opened(keyring, webhook.secret, webhook.tenant, webhook.id) is not None
    for key_id, right in opens.items():
        if not right:
            raise _wrong(key_id)


def _wrong(key_id: str) -> ConfigurationError:
    return ConfigurationError(
        "HOOKLINE_ENCRYPTION_KEYS",
        f"the key {key_id!r} is not the one that sealed secrets under this id: give the right one back, and a new key "
        "an id of its own",
    )


def _settled(canaries: Canaries, keyring: Keyring) -> bool:
    """Whether nothing more can be learnt: every key has a canary and opens it."""
    try:
        return not canaries.unknown(keyring)
    except ConfigurationError:
        return False  # the last record of an id counts, and this may not be the last


def _opens(keyring: Keyring, canary: SealedSecret, key_id: str) -> bool:
    return _opened(keyring, canary, _NO_TENANT, _bound_to(key_id)) == _TEXT


def _opened(keyring: Keyring, sealed: SealedSecret, tenant: str, bound_to: str) -> bytes | None:
    try:
        return keyring.open(sealed, tenant=tenant, subscription_id=bound_to)
    except SecretUnreadable:
        return None


def _bound_to(key_id: str) -> str:
    return f"canary:{key_id}"
