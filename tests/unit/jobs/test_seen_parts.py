"""What a look makes of single records: attempts, and what the order has left in the log."""

import pytest
from msgspec.structs import replace

from consumer.delivery import done_map
from consumer.delivery.ahead_map import Horizon, named
from consumer.delivery.delivery import Delivery, delivery_id
from consumer.delivery.offsets import Position
from consumer.delivery.order_map import Told
from consumer.delivery.order_partition import BEFORE
from consumer.events.event import Event, Record
from consumer.jobs.candidate import TooMany
from consumer.jobs.missed import Name, Verdict
from consumer.jobs.names import Names, hashed
from consumer.jobs.tried import OVERDUE_AFTER_MS, Tried
from consumer.jobs.waiting import Lines, Waiting
from consumer.kafka.attempt_decoding import EventPlace, decode_placed
from consumer.kafka.records import encode_attempt, encode_delivery
from consumer.kafka.topic_specs import Topics
from consumer.webhooks.ordering import KEY, line_of
from tests.attempts import plain
from tests.deliveries import event

TOPICS = Topics("h.", ("5s", "1m"))
ORDERED, RETRY = (TOPICS.ordered, 0), (TOPICS.retry(1), 0)
LINES = Lines.of("wh_1", "acme")
LINE = line_of("acme", "wh_1", KEY, b"k", b"") or ""


def delayed(number: int, *, order: str | None = None) -> Delivery:
    of = event(f"e{number}", offset=number)
    return Delivery(id=delivery_id(of, "wh_1"), event=of, subscription_id="wh_1", order=order)


def record(place: tuple[str, int], offset: int, delivery: Delivery, *, key: str | None = None) -> Record:
    return Record(
        topic=place[0],
        partition=place[1],
        offset=offset,
        key=(key or delivery.order or delivery.subscription_id).encode(),
        value=encode_delivery(delivery),
        headers=(),
        timestamp_ms=1,
    )


def waits(positions: dict[tuple[str, int], Position], records: list[Record], *, most: int = 100) -> set[int]:
    """The offsets of the records whose events wait."""
    waiting = Waiting(TOPICS, LINES, positions, asked_for=lambda place: place.topic == "events", most=most)
    for each in records:
        waiting.take(each)
    return {each.offset for each in records if name(each) in Names(waiting.names)}


def name(of: Record) -> Name:
    event_of = event(f"e{of.offset}", offset=of.offset)
    return Name(event_of.topic, event_of.partition, event_of.offset, event_of.id)


def test_what_the_order_left_waits_although_it_is_done_and_a_replay_before_it_does_not() -> None:
    records = [record(ORDERED, number, delayed(number, order=LINE)) for number in range(6)]
    records[4] = replace(records[4], headers=(BEFORE,))
    others = line_of("acme", "wh_2", KEY, b"k", b"") or ""
    records.append(record(ORDERED, 6, replace(delayed(6, order=others), subscription_id="wh_2")))
    for scope in (LINE, LINE[:24], LINE[:12]):
        done = done_map.encode(0, 4, [0], order=Told(met=5, left={scope: 2}))
        assert waits({ORDERED: Position(0, done)}, records) == {0, 2, 3, 5}
    done = done_map.encode(0, 4, [0], order=Told(met=5, left={others: 2}))
    assert waits({ORDERED: Position(0, done)}, records) == {0, 5}


def test_what_was_taken_ahead_of_its_turn_and_ended_does_not_wait() -> None:
    records = [record(RETRY, number, delayed(number)) for number in range(5)]
    ahead = {named(b"wh_1"): Horizon(start=1, end=4, unfinished=frozenset({2}))}
    assert waits({RETRY: Position(0, done_map.encode(0, -1, [0], ahead=ahead))}, records) == {0, 2, 4}
    others = {named(b"wh_2"): Horizon(start=1, end=4)}
    assert waits({RETRY: Position(0, done_map.encode(0, -1, [0], ahead=others))}, records) == {0, 1, 2, 3, 4}
    assert waits({RETRY: Position(0, "a map of nobody")}, records) == {0, 1, 2, 3, 4}


def test_only_the_webhooks_own_events_are_kept_in_mind_and_not_too_many() -> None:
    records = [record(RETRY, number, delayed(number)) for number in range(3)]
    stray = record(RETRY, 3, replace(delayed(3), subscription_id="wh_2"), key="wh_1")
    elsewhere = replace(delayed(4), event=replace(delayed(4).event, topic="others"))
    broken = replace(records[0], offset=5, value=b"nothing")
    assert waits({}, [*records, stray, record(RETRY, 4, elsewhere), broken], most=3) == {0, 1, 2}
    with pytest.raises(TooMany, match="shorter span"):
        waits({}, records, most=2)


# ── attempts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def tried(attempts: list[tuple[str, int, int]], *, now_ms: int, looked_at: int = 0) -> list[Verdict]:
    """What is known of e0, e1 and e2 after these attempts: outcome, event and time of each.

    An outcome with `now` before it is that of an attempt which was made at once for somebody.
    """
    fold = Tried(waiting={hashed(_name(2))}, asked_for=lambda _: True, looked_at={0: looked_at}, most=3)
    for offset, (told, number, at_ms) in enumerate(attempts):
        outcome = told.removeprefix("now ")
        of = event(f"e{number}", offset=number)
        attempt = replace(
            plain,
            delivery_id=delivery_id(of, "wh_1"),
            event_id=of.id,
            outcome=outcome,
            trigger="resend" if outcome != told else "event",
            next_tier="1m" if outcome == "retry" else None,
            at_ms=at_ms,
            event_topic=of.topic,
            event_partition=of.partition,
            event_offset=of.offset,
        )
        head, place = decode_placed(encode_attempt(attempt))
        assert place == EventPlace(of.topic, of.partition, of.offset)
        fold.take(head, place, partition=0, offset=offset)
    seen = fold.seen(now_ms)
    return [seen.of(_name(number)) for number in range(3)]


def _name(number: int) -> Name:
    of: Event = event(f"e{number}", offset=number)
    return Name(of.topic, of.partition, of.offset, of.id)


def test_a_retry_is_to_come_until_a_minute_after_its_time_with_all_its_jitter() -> None:
    due_ms = 1_000 + int(plain.elapsed_ms) + 60_000 + 6_000
    attempts = [("retry", 0, 1_000)]
    late_ms = due_ms + OVERDUE_AFTER_MS
    assert tried(attempts, now_ms=late_ms) == [Verdict.WAITING, Verdict.MISSED, Verdict.WAITING]
    assert tried(attempts, now_ms=late_ms + 1) == [Verdict.RACED, Verdict.MISSED, Verdict.WAITING]
    assert tried([*attempts, ("dead", 0, 2_000)], now_ms=1_000)[0] is Verdict.MISSED
    assert tried([*attempts, ("delivered", 0, 2_000)], now_ms=1_000)[0] is Verdict.DELIVERED
    assert tried(attempts, now_ms=1_000, looked_at=1)[0] is Verdict.MISSED


def test_an_attempt_at_once_counts_when_it_was_accepted_and_else_changes_nothing() -> None:
    waits = [("retry", 0, 1_000)]
    assert tried([*waits, ("now dead", 0, 2_000)], now_ms=1_000)[0] is Verdict.WAITING
    assert tried([*waits, ("now delivered", 0, 2_000)], now_ms=1_000)[0] is Verdict.DELIVERED


def test_what_is_known_is_bounded() -> None:
    with pytest.raises(TooMany):
        tried([("delivered", 0, 1), ("delivered", 1, 1), ("retry", 2, 1)], now_ms=1)
