"""Which data keys a process has, as the topic's records come."""

from structlog.testing import capture_logs

from consumer.data_keys.data_key import DataKey
from consumer.data_keys.key_record import DATA_KEY, destroyed, record_of, sealed_key
from consumer.data_keys.ring import Locked, Ring
from consumer.events.event import Record
from consumer.kafka.writing import NewRecord
from consumer.webhooks.keyring import Keyring

FIRST, SECOND = Keyring({"k1": bytes(32)}), Keyring({"k2": bytes([1] * 32)})
A, B = "aa" * 8, "bb" * 8
TOPIC = "hookline.tenant-keys"


def made(key_id: str, tenant: str = "acme", keyring: Keyring = FIRST, secret: bytes = bytes(32)) -> NewRecord:
    return record_of(TOPIC, sealed_key(keyring, key_id=key_id, tenant=tenant, secret=secret, created_at_ms=5))


def ring_of(*news: NewRecord, keyring: Keyring | None = FIRST) -> Ring:
    ring = Ring(keyring)
    for new in news:
        take(ring, new)
    return ring


def take(ring: Ring, new: NewRecord) -> None:
    ring.apply(Record(topic=TOPIC, partition=0, offset=0, key=new.key, value=new.value, headers=(), timestamp_ms=0))


def held(ring: Ring, key_id: str) -> DataKey:
    key = ring.of(bytes.fromhex(key_id))
    assert isinstance(key, DataKey)
    return key


def test_a_key_seals_and_opens_for_its_tenant() -> None:
    ring = ring_of(made(A), made(B, "other"))
    sealing = ring.sealing("acme")
    assert sealing is held(ring, A)
    assert held(ring, A).opened(sealing.sealed(b"an order")) == b"an order"
    assert (ring.has("acme"), ring.has("other"), ring.has("nobody"), ring.sealing("nobody")) == (
        True,
        True,
        False,
        None,
    )


def test_a_destroyed_key_opens_nothing_and_still_seals_what_is_under_way() -> None:
    ring = ring_of(made(A))
    before = ring.sealing("acme")
    take(ring, destroyed(TOPIC, A))
    assert (ring.of(bytes.fromhex(A)), ring.has("acme"), ring.sealing("acme")) == (None, False, before)
    take(ring, made(B))
    assert (ring.sealing("acme"), ring.has("acme")) == (held(ring, B), True)


def test_a_destroyed_key_does_not_return_whatever_is_written_of_it() -> None:
    ring = ring_of(made(A), destroyed(TOPIC, A), made(A, keyring=FIRST))
    assert (ring.of(bytes.fromhex(A)), ring.has("acme")) == (None, False)
    ring.forget()  # another topic has other keys
    take(ring, made(A))
    assert ring.has("acme")


def test_of_two_keys_of_a_tenant_both_open_and_the_other_seals_when_one_goes() -> None:
    ring = ring_of(made(A), made(B))
    first = ring.sealing("acme")
    assert first is held(ring, A)
    assert held(ring, B) is not first
    take(ring, destroyed(TOPIC, A))
    assert ring.sealing("acme") is held(ring, B)
    take(ring, destroyed(TOPIC, A))
    assert ring.sealing("acme") is held(ring, B)


def test_a_key_that_is_sealed_anew_stays_the_same_and_open() -> None:
    ring = ring_of(made(A))
    before = held(ring, A)
    take(ring, made(A, keyring=SECOND))
    assert held(ring, A) is before


def test_a_key_that_cannot_be_opened_is_no_destroyed_one_and_says_why() -> None:
    for keyring, why in ((SECOND, "does not name that key"), (None, "HOOKLINE_ENCRYPTION_KEYS is not set")):
        ring = ring_of(made(A), keyring=keyring)
        locked = ring.of(bytes.fromhex(A))
        assert isinstance(locked, Locked)
        assert why in locked.why
        assert (ring.has("acme"), ring.sealing("acme")) == (False, None)
        assert ring.locked == [locked]
        assert locked.tenant == "acme"


def test_a_key_whose_last_record_opens_is_open() -> None:
    ring = ring_of(made(A, keyring=SECOND), made(A))
    assert (ring.locked, ring.sealing("acme")) == ([], held(ring, A))


def test_an_encryption_key_under_anothers_id_is_told_by_nothing_that_opens() -> None:
    other = Keyring({"k1": bytes([9] * 32)})
    assert ring_of(made(A), made(B), keyring=other).wrong == ["k1"]
    assert ring_of(made(A), made(B, keyring=other), keyring=other).wrong == [], "one is spoiled, the key is right"
    assert ring_of(made(A), keyring=SECOND).wrong == [], "nobody says that it has k1"
    assert ring_of(made(A), keyring=None).wrong == []
    assert ring_of(made(A)).wrong == []


def test_a_key_in_anothers_place_opens_nothing() -> None:
    row = DATA_KEY.decode(made(A).value or b"")
    moved = DATA_KEY.encode(row | {"tenant": "other"})
    ring = ring_of(NewRecord(topic=TOPIC, key=made(A).key, value=moved))
    assert isinstance(ring.of(bytes.fromhex(A)), Locked)
    with capture_logs() as logs:
        ring = ring_of(NewRecord(topic=TOPIC, key=made(B).key, value=made(A).value))
    assert len(ring) == 0
    assert [each["event"] for each in logs] == ["not a data key"]


def test_what_is_no_data_key_is_passed_over() -> None:
    with capture_logs() as logs:
        ring = ring_of(
            NewRecord(topic=TOPIC, key=None, value=b"x"),
            NewRecord(topic=TOPIC, key=b"data-key:zz", value=b"x"),
            NewRecord(topic=TOPIC, key=b"other:" + A.encode(), value=b"x"),
            NewRecord(topic=TOPIC, key=b"data-key:" + A.encode(), value=b"x"),
        )
    assert len(ring) == 0
    assert len(logs) == 1


def test_no_secret_is_shown() -> None:
    secret = b"never to be seen, of 32 bytes...".ljust(32)
    ring = ring_of(made(A, secret=secret))
    assert repr(held(ring, A)) == f"DataKey({A})"
    assert secret not in (made(A, secret=secret).value or b"")
