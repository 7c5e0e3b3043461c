"""The law of a recovery: what was never accepted and does not wait is sent, and nothing else, while deliveries go on.

Each planted bug is one that the law has to find.
"""

from collections import Counter
from collections.abc import Callable, Generator
from random import Random
from typing import Final
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.jobs import names, seen, tried, waiting
from consumer.jobs.missed import Name, Seen, Verdict
from consumer.jobs.seen import Look, look, what_waits, what_was_tried
from consumer.jobs.tried import Tried
from consumer.jobs.waiting import Waiting
from consumer.kafka.attempt_decoding import Head
from consumer.kafka.spans import Span
from tests.recovery_ledger import BEGAN_MS, EVENTS, TENANT, TOPICS, WEBHOOK, Ledger, Looking

_SENT: Final = frozenset({Verdict.MISSED, Verdict.RACED})
LookOf = Callable[[Ledger, Looking, Look], Generator[None, None, Seen]]


def looked(ledger: Ledger, looking: Looking, looked_for: Look) -> Generator[None, None, Seen]:
    return look(TOPICS, looking, looking.committed, looked_for, now_ms=lambda: ledger.now_ms)


def recovered(seed: int, look_of: LookOf = looked) -> Counter[Verdict]:
    """One recovery of one ledger; AssertionError names the law that does not hold."""
    ledger = Ledger(Random(seed))
    looking = Looking(ledger)
    ledger.go_on(ledger.random.randrange(20, 120))
    end = looking.committed(TOPICS.group("deliver"), [EVENTS[0]])[EVENTS].offset
    began = ledger.time
    looked_for = Look(webhook=WEBHOOK, tenant=TENANT, spans={EVENTS: Span(0, end)}, since_ms=BEGAN_MS)
    looks = look_of(ledger, looking, looked_for)
    known = _ended(looks)
    tried_until, waits_since = looking.times(TOPICS.attempts)[-1], looking.times(TOPICS.group("retry"))[0]
    ledger.go_on(150)
    verdicts: Counter[Verdict] = Counter()
    for number in range(end):
        event = ledger.events[number]
        verdict = known.of(Name(event.topic, event.partition, number, event.id))
        verdicts[verdict] += 1
        accepted_at = ledger.accepted_at.get(number)
        again = any(at > waits_since for at in ledger.replayed_at.get(number, ()))
        raced = any(began < at <= waits_since for at in ledger.retried_at.get(number, ()))
        told = f"{event.id} is {verdict.value}"
        if accepted_at is not None and accepted_at <= tried_until:
            assert verdict is Verdict.DELIVERED, f"{told}, and was accepted"
        elif verdict is Verdict.DELIVERED:
            raise AssertionError(f"{told}, and never was")
        elif verdict in _SENT:
            assert number not in looking.waited, f"{told}, and waits"
            assert accepted_at is None or again, f"{told}, and is accepted twice"
        elif number not in looking.waited_as_committed and not again and not raced:
            raise AssertionError(f"{told}, and does not wait")
    return verdicts


def _ended(looks: Generator[None, None, Seen]) -> Seen:
    while True:
        try:
            next(looks)
        except StopIteration as over:
            found: Seen = over.value
            return found


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_what_was_missed_is_sent_and_nothing_else(seed: int) -> None:
    recovered(seed)


def test_ledgers_have_all_there_is() -> None:
    found = sum((recovered(seed) for seed in range(60)), Counter[Verdict]())
    assert min(found[each] for each in (Verdict.MISSED, Verdict.DELIVERED, Verdict.WAITING)) > 10, found


# ── planted ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def tried_first(ledger: Ledger, looking: Looking, looked_for: Look) -> Generator[None, None, Seen]:
    """The second and the third step in the other order."""
    looking.extents([TOPICS.attempts])
    attempts = Tried(waiting=set(), asked_for=looked_for.asks_for, looked_at={})
    yield from what_was_tried(TOPICS, looking, looked_for, attempts, now_ms=ledger.now_ms)
    waits = yield from what_waits(TOPICS, looking, looking.committed, looked_for)
    attempts._waiting = waits.names
    return attempts.seen(ledger.now_ms)


def a_topic_at_a_time(ledger: Ledger, looking: Looking, looked_for: Look) -> Generator[None, None, Seen]:
    """What is committed, and where a topic ends, is asked for each of them when its turn comes."""
    looked_at = {number: log.end for (_, number), log in looking.extents([TOPICS.attempts]).items()}
    waits: set[bytes] = set()
    for topic in (TOPICS.ordered, *reversed(TOPICS.retry_topics)):
        positions = looking.committed(TOPICS.group("retry"), [topic])
        one = Waiting(TOPICS, waiting.Lines.of(WEBHOOK, TENANT), positions, asked_for=looked_for.asks_for)
        [log] = looking.extents([topic]).values()
        for batch in looking.read({(topic, 0): Span(positions[topic, 0].offset, log.end)}):
            for record in batch.records:
                one.take(record)
        waits |= one.names
    attempts = Tried(waiting=waits, asked_for=looked_for.asks_for, looked_at=looked_at)
    yield from what_was_tried(TOPICS, looking, looked_for, attempts, now_ms=ledger.now_ms)
    return attempts.seen(ledger.now_ms)


def without_id(name: Name) -> bytes:
    return _hashed(name._replace(event_id=""))


def only_of_events(self: Tried, head: Head, place: object, **where: int) -> None:
    if head.replay_id is None:
        _take(self, head, place, **where)  # type: ignore[arg-type] # handed on


_hashed, _take = names.hashed, Tried.take


def violated(found: object, seeds: int = 200, look_of: LookOf = looked) -> str:
    """What the law says of it, of so many ledgers."""
    for seed in range(seeds):
        try:
            recovered(seed, look_of)
        except AssertionError as violation:
            return str(violation).splitlines()[0]
    raise AssertionError(f"{found} is not found")


@pytest.mark.parametrize("look_of", [tried_first, a_topic_at_a_time])
def test_another_order_is_found(look_of: LookOf) -> None:
    violation = violated(look_of, look_of=look_of)
    assert violation.endswith(("and waits", "is accepted twice"))


def test_a_place_without_the_events_id_is_found() -> None:
    with (
        patch.object(tried, "hashed", without_id),
        patch.object(waiting, "hashed", without_id),
        patch.object(names, "hashed", without_id),
    ):
        assert "never was" in violated("a place without an id")


def test_replays_that_do_not_count_as_accepted_are_found() -> None:
    with patch.object(Tried, "take", only_of_events):
        assert "was accepted" in violated("replays that do not count")


def test_a_map_that_is_not_read_is_found() -> None:
    with patch.object(waiting, "_is_done", lambda *_: False):
        assert "does not wait" in violated("a map that is not read")


def test_chunks_that_are_not_read_are_found() -> None:
    with patch.object(Waiting, "_is_in", lambda *_: False):
        assert "waits" in violated("chunks that are not read")


def test_attempts_that_are_to_come_and_are_not_told_are_left_out_by_nobody() -> None:
    """Of an attempt from before what waits was looked at nothing more comes: told all the same, events are left out."""
    with patch.object(seen, "Tried", lambda **given_: Tried(**{**given_, "looked_at": {}})):
        assert "does not wait" in violated("attempts of before")
