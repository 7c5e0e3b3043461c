"""A record that one of our topics refuses for its size stops nothing: its stub ends what it would have ended."""

from consumer.delivery.delivery import Chunk, delivery_id
from consumer.delivery.step import Bury, Delay, Reject, Write
from consumer.events.event import Poison, Record
from consumer.kafka.provenance import dead_letter_headers, poison_headers
from consumer.kafka.records import decode_dead_letter, encode_dead_letter
from tests.deliveries import NOW_MS, event, response, subscription
from tests.unit.delivery.test_core_steps import Bench

SIZE = 3_000_000


def refuse(bench: Bench) -> list[Write]:
    """All that is to be written is refused; what is written instead is acknowledged, and returned."""
    for token, _ in bench.next().write:
        bench.core.refused(NOW_MS, token, SIZE)
    asked = bench.next().write
    for token, _ in asked:
        assert bench.position() == 0
        bench.core.acknowledged(token)
    return [write for _, write in asked]


def test_poison_keeps_the_place_the_reason_and_the_size() -> None:
    bench = Bench()
    bench.consume(Poison(reason="too_large", detail="the value is larger than 1048576 bytes"))
    [write] = refuse(bench)
    assert isinstance(write, Reject)
    assert (write.record.value, write.record.headers) == (None, ())
    headers = dict(poison_headers(write.record, write.poison, left_out_bytes=write.left_out_bytes))
    assert headers["hookline-left-out-bytes"] == b"3000000"
    assert headers["hookline-reason"] == b"too_large"
    assert headers["kafka_dlt-original-topic"] == b"events"
    assert headers["kafka_dlt-original-offset"] == bytes(8)
    assert bench.position() == 1


def test_a_delivery_that_cannot_wait_is_a_dead_letter_that_says_so() -> None:
    bench = Bench()
    bench.consume(event())
    [(token, _)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response(500))
    [write] = refuse(bench)
    assert isinstance(write, Bury)
    dead = write.dead_letter
    assert (dead.reason, dead.left_out_bytes, dead.url) == ("too_large", SIZE, subscription().url)
    assert (dead.delivery.body, dead.delivery.event.data, dead.delivery.attempts) == (None, b"", 1)
    assert dict(dead_letter_headers(dead))["hookline-left-out-bytes"] == b"3000000"
    assert decode_dead_letter(encode_dead_letter(dead)) == dead
    assert bench.core.counted()["dead_letters"] == 1
    assert bench.position() == 1


def test_a_dead_letter_too_large_keeps_its_reason() -> None:
    bench = Bench(subscription())
    bench.consume(event())
    [(token, _)] = bench.next().send
    bench.core.answered(bench.now_ms, token, response(410))
    buried = [write for write in refuse(bench) if isinstance(write, Bury)]
    assert [(each.dead_letter.reason, each.dead_letter.left_out_bytes) for each in buried] == [("gone", SIZE)]
    assert bench.position() == 1


def test_a_chunk_too_large_is_a_dead_letter_for_each_webhook() -> None:
    many = tuple(subscription(f"sub_{n}") for n in range(10))
    bench = Bench(*many)
    bench.consume(event())
    chunks = bench.next().write
    assert [isinstance(write, Delay) and isinstance(write.delayed, Chunk) for _, write in chunks] == [True]
    bench.core.refused(NOW_MS, chunks[0][0], SIZE)
    ids = set()
    for token, write in bench.next().write:
        assert isinstance(write, Bury)
        ids.add(write.dead_letter.delivery.id)
        assert bench.position() == 0
        bench.core.acknowledged(token)
    assert ids == {delivery_id(event(), each.id) for each in many}
    assert bench.position() == 1


def test_a_stub_of_poison_has_no_large_key() -> None:
    bench = Bench()
    large = Record(
        topic="events", partition=0, offset=0, key=b"k" * 2_000_000, value=b"", headers=(), timestamp_ms=NOW_MS
    )
    bench.contents[("events", 0), 0] = Poison(reason="undecodable", detail="")
    bench.core.records(NOW_MS, [large])
    [write] = refuse(bench)
    assert isinstance(write, Reject)
    assert write.record.key is None
