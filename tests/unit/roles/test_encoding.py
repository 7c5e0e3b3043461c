from msgspec.structs import replace

from consumer.delivery.boundary import Boundaries, Boundary
from consumer.delivery.delivery import Attempt
from consumer.delivery.entry import Entry
from consumer.delivery.logged import Unread, logged
from consumer.delivery.mark import NoMark
from consumer.delivery.offsets import Window
from consumer.delivery.outcome import DELIVERED
from consumer.delivery.step import Delay
from consumer.kafka.records import decode_attempt, decode_delayed
from consumer.kafka.topic_specs import Topics
from consumer.roles.encoding import Encoding
from tests.deliveries import delivery, event, job, response, subscription
from tests.written import RECORD, MadeInPython, came_of, kept, writing_target

TOPICS = Topics("t.", ("1s", "5s"))


def encoding() -> tuple[Encoding, Boundaries, Entry]:
    boundaries = Boundaries(NoMark())
    return Encoding(boundaries, TOPICS, "kafka_dlt"), boundaries, Entry(Window(("events", 3)), 7)


def attempt() -> Attempt:
    return logged(job(), response(), DELIVERED, None)


def test_an_attempt_that_cannot_be_encoded_is_written_without_its_contents_and_says_so() -> None:
    encode, boundaries, entry = encoding()
    odd = replace(attempt(), response_headers=(("x", None),), request_body=b"{}")  # no engine's
    key, value = encode.attempt(entry, odd)
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
    assert decode_attempt(encode.attempt(entry, attempt())[1]) == attempt()
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
    assert encode.unread(entry, given) == (b"sub_1", RECORD)
    told = came_of(given.answer).told
    assert told[1:3] == (given.job.request, given.job.delivery.id)
    assert came_of(given.answer).read == []
    assert boundaries.bugs() == []


def test_what_the_native_step_cannot_tell_is_encoded_in_python() -> None:
    encode, boundaries, entry = encoding()
    given = unread(OverflowError())
    key, value = encode.unread(entry, given)
    assert (key, decode_attempt(value)) == (b"sub_1", given.read())
    assert decode_attempt(value).response_body == b"answered"
    assert boundaries.bugs() == []


def test_a_bug_of_the_native_step_leaves_a_record_without_contents() -> None:
    encode, boundaries, entry = encoding()
    written = decode_attempt(encode.unread(entry, unread(RuntimeError("record.rs:1")))[1])
    assert (written.outcome, written.failure, written.bodies, written.request_body) == ("delivered", "bug", "none", b"")
    [bug] = boundaries.bugs()
    assert bug.boundary is Boundary.LOG
