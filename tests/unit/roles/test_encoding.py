import pytest
from msgspec.structs import replace

from consumer.data_keys.data_key import DataKey
from consumer.data_keys.sealing import Sealing
from consumer.delivery.boundary import Boundaries, Boundary
from consumer.delivery.delivery import Attempt, Chunk
from consumer.delivery.entry import Entry
from consumer.delivery.logged import Unread, logged
from consumer.delivery.mark import NoMark
from consumer.delivery.offsets import Window
from consumer.delivery.outcome import DELIVERED
from consumer.delivery.step import Bury, Delay, LineUp, Reject, Suspend
from consumer.events.event import Poison, Record
from consumer.kafka.attempt_encoding import encode_attempt
from consumer.kafka.attempt_sealing import put_together
from consumer.kafka.provenance import is_sealed_poison, told_apart
from consumer.kafka.records import decode_attempt, decode_clear, decode_delayed
from consumer.kafka.sealed import is_sealed
from consumer.kafka.topic_specs import Topics
from consumer.roles.encoding import Encoding
from consumer.roles.writes import produced
from tests.dead_letters import dead_letter
from tests.deliveries import delivery, event, job, response, subscription
from tests.written import RECORD, MadeInPython, came_of, kept, writing_target

TOPICS = Topics("t.", ("1s", "5s"))


def encoding() -> tuple[Encoding, Boundaries, Entry]:
    boundaries = Boundaries(NoMark())
    return Encoding(boundaries, TOPICS, "kafka_dlt"), boundaries, Entry(Window(("events", 3)), 7)


def value_of(records: list[tuple[bytes, bytes]]) -> bytes:
    [(_, value)] = records
    return value


def attempt() -> Attempt:
    return logged(job(), response(), DELIVERED, None)


def test_an_attempt_that_cannot_be_encoded_is_written_without_its_contents_and_says_so() -> None:
    encode, boundaries, entry = encoding()
    odd = replace(attempt(), response_headers=(("x", None),), request_body=b"{}")  # no engine's
    [(key, value)] = encode.attempts([(entry, odd)])
    written = decode_attempt(value)
    assert key == odd.subscription_id.encode()
    assert (written.delivery_id, written.outcome, written.failure) == (odd.delivery_id, "delivered", "bug")
    assert (written.request_body, written.response_headers) == (b"", ())
    assert written.failure_detail.startswith("TypeError in log at consumer/kafka/attempt_encoding.py:")
    [bug] = boundaries.bugs()
    assert (bug.boundary, bug.offset, bug.delivery_id) == (Boundary.LOG, 7, odd.delivery_id)


def test_a_retry_that_cannot_be_encoded_is_a_poison_record_that_names_where_the_original_lies() -> None:
    encode, boundaries, entry = encoding()
    odd = replace(delivery(replace(event(), type="\ud800")), body=b"{}")
    record = encode.write(entry, Delay(tier=1, delayed=odd))
    headers = dict(record.headers)
    assert (record.topic, record.value) == (TOPICS.poison, None)
    assert headers["kafka_dlt-original-topic"] == b"events"
    assert headers["kafka_dlt-original-offset"] == (7).to_bytes(8, "big")
    assert headers["hookline-reason"] == b"bug"
    assert len(boundaries.bugs()) == 1


def test_what_can_be_encoded_is() -> None:
    encode, boundaries, entry = encoding()
    record = encode.write(entry, Delay(tier=1, delayed=delivery()))
    assert (record.topic, decode_delayed(record.value or b"", 1)) == (
        TOPICS.retry(1),
        replace(delivery(), tier=1),
    )
    assert decode_attempt(value_of(encode.attempts([(entry, attempt())]))) == attempt()
    assert boundaries.bugs() == []


def unread(raises: Exception | None = None) -> Unread:
    of, target = job(), writing_target(subscription())
    written = target.signer.written(of.delivery.event, None, 0, ("192.0.2.1",))
    assert isinstance(written, MadeInPython)
    of.request, of.target = written, target
    return Unread(job=of, answer=kept(raises=raises), outcome=DELIVERED, next_tier=None)


def test_the_native_step_writes_the_record_of_what_it_sent() -> None:
    encode, boundaries, entry = encoding()
    given = unread()
    assert encode.attempts([], [(entry, given)]) == [(b"sub_1", RECORD)]
    told = came_of(given.answer).told
    assert told[1:3] == (given.job.request, given.job.delivery.id)
    assert came_of(given.answer).read == []
    assert boundaries.bugs() == []


def test_what_the_native_step_cannot_tell_is_encoded_in_python() -> None:
    encode, boundaries, entry = encoding()
    given = unread(OverflowError())
    [(key, value)] = encode.attempts([], [(entry, given)])
    assert (key, decode_attempt(value)) == (b"sub_1", given.read())
    assert decode_attempt(value).response_body == b"answered"
    assert boundaries.bugs() == []


def test_a_bug_of_the_native_step_leaves_a_record_without_contents() -> None:
    encode, boundaries, entry = encoding()
    written = decode_attempt(value_of(encode.attempts([], [(entry, unread(RuntimeError("record.rs:1")))])))
    assert (written.outcome, written.failure, written.bodies, written.request_body) == ("delivered", "bug", "none", b"")
    [bug] = boundaries.bugs()
    assert bug.boundary is Boundary.LOG


RAW = Record(topic="events", partition=3, offset=7, key=b"k", value=b"{}", headers=(), timestamp_ms=0)
SEALS = Sealing(lambda tenant: DataKey(bytes(8), tenant, bytes(32)))
WRITES = (
    Delay(tier=1, delayed=delivery()),
    Delay(tier=0, delayed=Chunk(event=event(), subscription_ids=("sub_1",), first_due_ms=1)),
    LineUp(delivery=replace(delivery(), order="a" * 36)),
    Bury(dead_letter=replace(dead_letter(), detail="what the endpoint said")),
)


@pytest.mark.parametrize("write", WRITES)
def test_without_data_keys_nothing_about_a_record_changes(write: Delay | LineUp | Bury) -> None:
    encode, _, entry = encoding()
    assert encode.write(entry, write) == produced(write, TOPICS, "kafka_dlt")
    assert value_of(encode.attempts([(entry, attempt())])) == encode_attempt(attempt())
    assert value_of(encode.attempts([], [(entry, unread())])) == RECORD


@pytest.mark.parametrize("write", WRITES)
def test_with_data_keys_the_same_record_is_sealed_and_its_headers_say_no_more_than_where_and_why(
    write: Delay | LineUp | Bury,
) -> None:
    boundaries = Boundaries(NoMark())
    encode, entry = Encoding(boundaries, TOPICS, "kafka_dlt", SEALS), Entry(Window(("events", 3)), 7)
    plain, sealed = produced(write, TOPICS, "kafka_dlt"), encode.write(entry, write)
    assert (sealed.topic, sealed.key) == (plain.topic, plain.key)
    assert DataKey(bytes(8), "acme", bytes(32)).opened(sealed.value or b"") == plain.value
    told = dict(sealed.headers)
    assert told.keys() == dict(plain.headers).keys()
    assert not [name for name, value in told.items() if b"the endpoint said" in (value or b"")]
    assert told.get("hookline-reason") == dict(plain.headers).get("hookline-reason")
    assert boundaries.bugs() == []


def test_with_data_keys_an_attempt_is_sealed_and_a_suspension_is_not() -> None:
    encode, entry = Encoding(Boundaries(NoMark()), TOPICS, "kafka_dlt", SEALS), Entry(Window(("events", 3)), 7)
    value = value_of(encode.attempts([(entry, attempt())]))
    assert is_sealed(value)
    assert put_together(decode_clear(value), DataKey(bytes(8), "a", bytes(32)).opened(value)) == attempt()
    assert not is_sealed(encode.write(entry, Suspend(subscription=subscription())).value or b"")


def test_poison_is_sealed_where_it_names_a_tenant_that_has_a_key_and_says_so() -> None:
    key = DataKey(bytes(8), "acme", bytes(32))
    seals = Sealing(lambda _: key, known=lambda tenant: key if tenant == "acme" else None)
    encode, entry = Encoding(Boundaries(NoMark()), TOPICS, "kafka_dlt", seals), Entry(Window(("events", 3)), 7)
    named, forged = b'{"tenant":"acme","type":7}', ("hookline-sealed", b"1")
    for value, is_sealed_there in (
        (named, True),
        (b'{"tenant":"nobody"}', False),
        (b"no JSON", False),
        (None, False),
        (key.sealed(b"{}"), False),  # of a delay topic, or of a producer who pretends
    ):
        rejected = Reject(record=replace(RAW, value=value, headers=(forged,)), poison=Poison(reason="bug", detail=""))
        written = encode.write(entry, rejected)
        assert is_sealed_poison(written.headers) is is_sealed_there
        assert written.value == value or (key.opened(written.value or b"") == value and is_sealed_there)
        origin, headers = told_apart(written.headers)
        assert origin is not None
        assert (origin.offset, headers) == (7, ())


def test_the_attempts_of_a_turn_keep_their_order_and_each_is_sealed_for_its_own_tenant() -> None:
    other = replace(attempt(), tenant="other", subscription_id="sub_2")
    keys = {"acme": DataKey(bytes(8), "acme", bytes(32)), "other": DataKey(bytes([1] * 8), "other", bytes([1] * 32))}
    encode = Encoding(Boundaries(NoMark()), TOPICS, "kafka_dlt", Sealing(lambda tenant: keys[tenant]))
    entry, given = Entry(Window(("events", 3)), 7), unread(OverflowError())  # so that it is encoded in Python
    records = encode.attempts([(entry, other), (entry, attempt())], [(entry, given)])
    assert [key for key, _ in records] == [b"sub_2", b"sub_1", b"sub_1"]
    owners = [keys["other"], keys[attempt().tenant], keys[given.job.delivery.event.tenant]]
    opened = [key.opened(value) for key, (_, value) in zip(owners, records, strict=True)]
    assert [put_together(decode_clear(value), each) for (_, value), each in zip(records, opened, strict=True)] == [
        other,
        attempt(),
        given.read(),
    ]


def test_an_attempt_that_cannot_be_sealed_is_written_without_its_contents_and_never_in_the_clear() -> None:
    def nobody(_: str) -> DataKey:
        raise LookupError

    boundaries = Boundaries(NoMark())
    encode, entry = Encoding(boundaries, TOPICS, "kafka_dlt", Sealing(nobody)), Entry(Window(("events", 3)), 7)
    whole = replace(attempt(), request_body=b"plain", url="https://a.example/x?token=1")
    written = decode_attempt(value_of(encode.attempts([(entry, whole)])))
    assert (written.request_body, written.request_headers, written.failure) == (b"", (), "bug")
    assert written.url == "https://a.example/x"
    record = encode.write(entry, Delay(tier=1, delayed=delivery()))
    assert (record.topic, record.value) == (TOPICS.poison, None)
    assert len(boundaries.bugs()) == 2
