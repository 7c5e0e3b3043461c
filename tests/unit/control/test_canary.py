"""An encryption key's id names one key for ever."""

import pytest
import structlog

from consumer.control.canary import Canaries, canary_record
from consumer.events.event import Record
from consumer.settings import ConfigurationError, Settings
from consumer.webhooks.keyring import Keyring

SETTINGS = Settings()
K1, K2 = bytes([1] * 32), bytes([2] * 32)


def written(keyring: Keyring, key_id: str) -> Record:
    new = canary_record(SETTINGS, keyring, key_id)
    return record(new.key, new.value)


def record(key: bytes | None, value: bytes | None) -> Record:
    return Record(topic="state", partition=0, offset=0, timestamp_ms=0, key=key, value=value, headers=())


def known(*records: Record) -> Canaries:
    canaries = Canaries()
    for each in records:
        canaries.apply(each)
    return canaries


BOTH = Keyring({"k1": K1, "k2": K2})


def test_each_key_opens_its_own_canary_wherever_it_stands_in_the_ring() -> None:
    canaries = known(written(BOTH, "k1"), written(BOTH, "k2"))
    assert canaries.unknown(BOTH) == ()
    assert canaries.unknown(Keyring({"k2": K2, "k1": K1})) == ()
    assert canaries.unknown(Keyring({"k2": K2})) == ()


@pytest.mark.parametrize("ring", [{"k1": K2}, {"k2": K2, "k1": bytes(32)}])
def test_another_key_under_a_known_id_is_refused_by_that_id_and_not_shown(ring: dict[str, bytes]) -> None:
    with pytest.raises(ConfigurationError, match="HOOKLINE_ENCRYPTION_KEYS: the key 'k1'") as refused:
        known(written(BOTH, "k1")).unknown(Keyring(ring))
    assert K2.hex() not in str(refused.value)


def test_an_id_without_a_canary_is_unknown() -> None:
    assert known(written(BOTH, "k1")).unknown(BOTH) == ("k2",)
    assert known().unknown(BOTH) == ("k1", "k2")
    assert known(written(BOTH, "k1"), record(b"canary:k1", None)).unknown(BOTH) == ("k1", "k2")


def test_the_last_canary_of_an_id_counts() -> None:
    other = Keyring({"k1": K2})
    canaries = known(written(BOTH, "k1"), written(other, "k1"))
    assert canaries.unknown(other) == ()
    with pytest.raises(ConfigurationError):
        canaries.unknown(BOTH)


def test_a_canary_moved_to_another_id_opens_nothing() -> None:
    moved = written(BOTH, "k2").value
    with pytest.raises(ConfigurationError, match="'k1'"):
        known(record(b"canary:k1", moved)).unknown(BOTH)


def test_a_canary_that_cannot_be_read_is_neither_believed_nor_replaced() -> None:
    with structlog.testing.capture_logs() as said:
        canaries = known(record(b"canary:k1", b"a later version's"))
    assert canaries.unknown(BOTH) == ("k2",)
    assert [line["event"] for line in said] == ["not a canary"]


def test_other_kinds_of_state_are_passed_over() -> None:
    assert known(record(None, b"x"), record(b"key:k1", b"x"), record(b"replay:k1", b"x")).unknown(BOTH) == ("k1", "k2")
