"""What jobs read, from a real Kafka: exactly what is theirs, and what was left when they go on."""

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TypeAlias

import pytest
from msgspec import structs
from pydantic import SecretStr

from consumer.data_keys.keys import TenantKeys
from consumer.data_keys.opening import Opening
from consumer.data_keys.sealing import patient
from consumer.delivery import done_map
from consumer.delivery.delivery import Chunk, delivery_id
from consumer.events.event import Event
from consumer.jobs import sources
from consumer.jobs.candidate import Candidate, Source, TooEarly, TooMany
from consumer.jobs.job import Asked, Chosen, Matching, Missed, Skip, Spot
from consumer.jobs.kept_since import kept_since
from consumer.jobs.matching_source import open_matching
from consumer.jobs.missed_source import PATIENCE_MS
from consumer.kafka.records import encode_chunk, encode_dead_letter, encode_delivery
from consumer.settings import Settings
from consumer.webhooks.subscription import Status, Subscription
from tests.dead_letters import dead_letter
from tests.deliveries import subscription
from tests.hostile import raw_producer
from tests.job_topics import NOW_MS, WEBHOOK, Stage, asked, envelope, taken
from tests.services.topics import MakeTopics

HOUR_MS = 3_600_000
OPENINGS: list[Opening] = []
Ends: TypeAlias = Mapping[tuple[str, int], int]
HOOK = replace(subscription(WEBHOOK, status=Status.PAUSED), event_types=("order.*",))
ALL = Missed(since_ms=NOW_MS - HOUR_MS, until_ms=NOW_MS + HOUR_MS)


def open_source(
    settings: Settings,
    asked_: Asked,
    hook: Subscription,
    *,
    ends: Ends,
    position: Ends,
    after_ms: int = PATIENCE_MS,  # since it was asked for
) -> Source:
    opening = Opening.of(settings)
    OPENINGS.append(opening)
    return sources.open_source(
        settings, asked_, hook, ends=ends, position=position, opening=opening, now_ms=lambda: NOW_MS + after_ms
    )


@pytest.fixture
def stage(kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics) -> Stage:
    settings = Settings(
        kafka={"bootstrap.servers": kafka_bootstrap},
        topic_prefix=topic_prefix,
        retry_delays=("5s",),
        event_topics=("^" + topic_prefix.replace(".", "[.]") + "events[.].*",),
    )
    made = Stage(settings, topic_prefix + "events.orders")
    names = (made.topics.attempts, made.topics.dead_letter, made.topics.ordered, *made.topics.retry_topics, made.events)
    make_topics(dict.fromkeys(names, 2))
    return made


@pytest.fixture(autouse=True)
def close() -> Iterator[None]:
    yield
    while OPENINGS:
        OPENINGS.pop().close()


@pytest.fixture(params=["plain", "sealed"])
def either(request: pytest.FixtureRequest, stage: Stage, make_topics: MakeTopics) -> Iterator[Stage]:
    """The same topics, with what is written to ours as it is, or sealed with its tenant's data key."""
    if request.param == "plain":
        yield stage
        return
    key = f"k1:{base64.b64encode(bytes(32)).decode()}"
    settings = stage.settings.model_copy(update={"tenant_keys": "on", "encryption_keys": (SecretStr(key),)})
    make_topics({stage.topics.tenant_keys: 1})
    with closing(TenantKeys(settings)) as keys:
        yield Stage(settings, stage.events, patient(settings, keys))


def ids(candidates: Sequence[Candidate]) -> dict[str, Skip | None]:
    assert len({each.event.id for each in candidates}) == len(candidates)
    return {each.event.id: each.skip for each in candidates}


def committed(stage: Stage, one: int, other: int) -> None:
    stage.commit("deliver", {(stage.events, 0): (one, ""), (stage.events, 1): (other, "")})


def some_events(stage: Stage, number: int, *, partition: int = 0, prefix: str = "e") -> list[Event]:
    return [
        stage.event(
            f"{prefix}{each}",
            stage.write(stage.events, envelope(f"{prefix}{each}"), partition=partition),
            partition=partition,
        )
        for each in range(number)
    ]


# ── missed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_webhook_missed_is_its_own_and_within_the_span(stage: Stage) -> None:
    write = stage.write
    write(stage.events, envelope("before"), at_ms=NOW_MS - 2 * HOUR_MS)
    write(stage.events, envelope("wanted"))
    write(stage.events, envelope("other-type", event_type="post.created"))
    write(stage.events, envelope("foreign", tenant="other"))
    write(stage.events, b'{"id":"escaped","type":"order.paid","tenant":"\\u0061cme","data":1}')
    write(stage.events, b'{"id":"foreign-too","type":"order.paid","tenant":"\\u0062cme","data":"acme"}')
    write(stage.events, None)
    write(stage.events, b"\x00\x00\x00\x00\x07acme")  # no registry is configured
    binary = [("ce_specversion", "1.0"), ("ce_id", "binary"), ("ce_source", "s"), ("ce_type", "order.paid")]
    headers = [(name, value.encode()) for name, value in binary]
    write(stage.events, b"1", headers=[*headers, ("ce_subject", b"acme")])
    raw_producer.write(stage.bootstrap, stage.events, envelope("hostile"), [(b"\xff", b"acme")])
    write(stage.events, envelope("after"), at_ms=NOW_MS + 2 * HOUR_MS)
    write(stage.events, envelope("deliver's own"), partition=1)
    committed(stage, 99, 0)
    source = open_source(stage.settings, asked(ALL), HOOK, ends={}, position={})
    assert dict(source.ends) == {(stage.events, 0): 10, (stage.events, 1): 0}
    found = taken(source)
    assert ids(found) == {"wanted": None, "escaped": None, "binary": None}
    assert found[0].event == stage.event("wanted", 1)
    narrow = replace(ALL, types=("order.paid",))
    assert ids(taken(open_source(stage.settings, asked(narrow), HOOK, ends={}, position={}))) == {
        "escaped": None,
        "binary": None,
    }


def test_deliver_has_a_moment_to_finish_what_there_was_when_a_recovery_was_asked_for(stage: Stage) -> None:
    some_events(stage, 3)
    some_events(stage, 2, partition=1, prefix="f")
    stage.write(stage.events, envelope("later"), at_ms=NOW_MS + 1)
    missed = Missed(since_ms=NOW_MS - HOUR_MS, until_ms=NOW_MS + 1)

    def opened(after_ms: int, *, ends: Ends | None = None) -> dict[str, Skip | None]:
        source = open_source(stage.settings, asked(missed), HOOK, ends=ends or {}, position={}, after_ms=after_ms)
        return ids(taken(source))

    committed(stage, 1, 2)
    with pytest.raises(TooEarly):
        opened(PATIENCE_MS - 1)
    behind = dict.fromkeys(("e0", "f0", "f1"))
    assert opened(PATIENCE_MS) == behind
    assert opened(-1) == behind, "clocks that differ keep nobody waiting"
    assert opened(0, ends={(stage.events, 0): 1, (stage.events, 1): 2}) == behind, (
        "one that goes on ends where it would"
    )
    committed(stage, 3, 2)
    assert opened(0) == behind | dict.fromkeys(("e1", "e2"))


def test_what_was_accepted_or_waits_is_not_missed(either: Stage) -> None:
    stage = either
    one = some_events(stage, 10)
    two = some_events(stage, 2, partition=1, prefix="f")
    committed(stage, 10, 2)
    stage.log(stage.attempt(one[0], "delivered"))
    stage.log(stage.attempt(one[1], "retry"))
    stage.log(stage.attempt(one[1], "delivered", generation=2), partition=1)
    stage.log(stage.attempt(one[2], "delivered", trigger="test"))
    stage.log(stage.attempt(one[3], "delivered", event_id="of a former topic"))
    stage.log(stage.attempt(one[4], "delivered", subscription_id="wh_2"))
    retry, spill = stage.topics.retry(1), stage.topics.retry(0)
    for event in one[5:8]:  # the second of these is done, as a map tells
        stage.write(retry, encode_delivery(stage.delivery(event)))
    stage.commit("retry", {(retry, 0): (0, done_map.encode(0, 1, [0, 2]))})
    chunk = Chunk(event=one[8], subscription_ids=("wh_2", WEBHOOK), first_due_ms=1)
    stage.write(spill, encode_chunk(chunk), key="acme", partition=1)
    ended = {0: [done_map.short(delivery_id(one[9], WEBHOOK))]}
    done = encode_chunk(structs.replace(chunk, event=one[9]))
    stage.write(spill, done, key="acme")
    stage.commit("retry", {(spill, 0): (0, done_map.encode(0, -1, [0], ended))})
    unmatched = Chunk(event=two[0], subscription_ids=(), first_due_ms=1)
    stage.write(retry, encode_chunk(unmatched), key="acme")
    found = taken(open_source(stage.settings, asked(ALL), HOOK, ends={}, position={}))
    assert ids(found) == {
        **dict.fromkeys(("e2", "e3", "e4", "e6", "e9", "f1")),
        **dict.fromkeys(("e0", "e1"), Skip.DELIVERED),
        **dict.fromkeys(("e5", "e7", "e8", "f0"), Skip.WAITING),
    }
    assert not any(each.raced for each in found)
    again = taken(open_source(stage.settings, asked(ALL, again=True), HOOK, ends={}, position={}))
    assert set(ids(again).values()) == {None}


def test_a_recovery_goes_on_where_it_was_and_ends_where_it_would_have(stage: Stage) -> None:
    some_events(stage, 5)
    some_events(stage, 5, partition=1, prefix="f")
    many = [envelope(f"g{each}") for each in range(3)]
    stage.write_in_transaction(stage.events, many, partition=1, at_ms=NOW_MS)  # a marker at the log's end
    committed(stage, 4, 9)
    first = open_source(stage.settings, asked(ALL), HOOK, ends={}, position={})
    until_s = time.monotonic() + 20
    part = first.take(3, 1.0)
    while not part.candidates and time.monotonic() < until_s:
        part = first.take(3, 1.0)
    first.close()
    committed(stage, 5, 9)
    stage.write(stage.events, envelope("later"), partition=0)
    behind = part.positions[0]
    source = open_source(stage.settings, asked(ALL), HOOK, ends=first.ends, position=behind)
    assert dict(source.ends) == {(stage.events, 0): 4, (stage.events, 1): 9}
    rest = taken(source, 2)
    expected = [f"e{each}" for each in range(4)] + [f"f{each}" for each in range(5)] + [f"g{each}" for each in range(3)]
    assert sorted(each.event.id for each in [part.candidates[0], *rest]) == sorted(expected)


def test_records_that_are_gone_are_passed_over_and_a_topic_made_anew_is_delivers_own(stage: Stage) -> None:
    some_events(stage, 6)
    assert kept_since(stage.settings, NOW_MS - HOUR_MS) is None
    committed(stage, 6, 0)
    ends = {(stage.events, 0): 6, (stage.events, 1): 0}
    stage.delete_before(stage.events, 0, 4)
    source = open_source(stage.settings, asked(ALL), HOOK, ends=ends, position={(stage.events, 0): 1})
    assert ids(taken(source)) == {"e4": None, "e5": None}
    assert kept_since(stage.settings, NOW_MS - HOUR_MS) == NOW_MS
    assert kept_since(stage.settings, NOW_MS) is None
    stage.commit("deliver", {(stage.events, 0): (6, "")}, topic_id="AAAAAAAAAAAAAAAAAAAAAA")
    source = open_source(stage.settings, asked(ALL), HOOK, ends=ends, position={(stage.events, 0): 1})
    assert taken(source) == []


# ── by a filter ──────────────────────────────────────────────────────────────────────────────────────────────────────


def bury(stage: Stage, number: int, *, reason: str = "exhausted", webhook: str = WEBHOOK, partition: int = 0) -> int:
    dead = dead_letter(number, webhook, reason=reason, failed_at_ms=NOW_MS + number)
    return stage.write(stage.topics.dead_letter, encode_dead_letter(dead), key=webhook, partition=partition)


def test_dead_letters_come_once_filtered_and_from_where_the_job_was(either: Stage) -> None:
    stage = either
    for number in (1, 2, 1, 3):
        bury(stage, number)
    bury(stage, 4, webhook="wh_2")
    bury(stage, 5, partition=1, reason="gone")
    stage.write(stage.topics.dead_letter, b"no dead letter")
    source = open_source(stage.settings, asked(Matching()), HOOK, ends={}, position={})
    found = taken(source)
    assert ids(found) == dict.fromkeys(("e1", "e2", "e3", "e5"))
    assert found[0].body == b'{"a":1}'
    position = {(stage.topics.dead_letter, 0): 1, (stage.topics.dead_letter, 1): 1}
    rest = taken(open_source(stage.settings, asked(Matching()), HOOK, ends=source.ends, position=position))
    assert [each.event.id for each in rest] == ["e2", "e3"]
    for matching in (
        Matching(reasons=frozenset({"gone"})),
        Matching(since_ms=NOW_MS + 5),
        Matching(codes=frozenset({"5xx"}), types=("a.*",), since_ms=NOW_MS + 4),
    ):
        assert ids(taken(open_source(stage.settings, asked(matching), HOOK, ends={}, position={}))) == {"e5": None}
    for nothing in (Matching(codes=frozenset({"none", "404"})), Matching(types=("a",)), Matching(until_ms=NOW_MS)):
        assert taken(open_source(stage.settings, asked(nothing), HOOK, ends={}, position={})) == []
    with pytest.raises(TooMany):
        taken(
            open_matching(
                stage.settings,
                asked(Matching()),
                Matching(),
                HOOK,
                ends={},
                position={},
                now_ms=NOW_MS,
                most=3,
                opening=Opening.of(stage.settings),
            )
        )


def test_deliveries_come_at_their_latest_attempt_with_the_body_that_was_sent(either: Stage) -> None:
    stage = either
    events = some_events(stage, 7)
    log, attempt = stage.log, stage.attempt
    log(attempt(events[0], "retry", status=503))
    log(attempt(events[0], "delivered"))
    log(attempt(events[1], "retry", status=503), partition=1)
    log(attempt(events[2], "retry", generation=3, status=None, failure="timeout"))
    log(attempt(events[3], "retry"))
    log(attempt(events[3], "dead", reason="exhausted"))
    log(attempt(events[4], "retry"))  # and it was given up without another attempt
    dead = structs.replace(dead_letter(1), delivery=stage.delivery(events[4]))
    stage.write(stage.topics.dead_letter, encode_dead_letter(dead))
    log(attempt(events[5], "retry", event_topic=""))
    log(attempt(structs.replace(events[6], timestamp_ms=1), "retry"))  # of another topic of this name
    log(attempt(events[1], "delivered", subscription_id="wh_2"))
    both = Matching(statuses=frozenset({"delivered", "retrying"}))
    source = open_source(stage.settings, asked(both), HOOK, ends={}, position={})
    found = taken(source)
    assert ids(found) == {
        "e0": Skip.DELIVERED,
        "e1": None,
        "e2": None,
        "e5": Skip.NOT_TOLD,
        "e6": Skip.NOT_KEPT,
    }
    by_id = {each.event.id: each for each in found}
    assert by_id["e1"].event == events[1]
    assert by_id["e1"].body == b"body of e1"
    assert (by_id["e1"].replays, by_id["e2"].replays) == (0, 3)
    assert by_id["e2"].delivery == attempt(events[2], "retry", generation=3).delivery_id
    place = (stage.topics.attempts, 0)
    rest = taken(open_source(stage.settings, asked(both, again=True), HOOK, ends=source.ends, position={place: 2}))
    assert ids(rest) == {"e1": None, "e2": None, "e5": Skip.NOT_TOLD, "e6": Skip.NOT_KEPT}
    timeouts = Matching(statuses=frozenset({"retrying"}), reasons=frozenset({"timeout"}))
    assert ids(taken(open_source(stage.settings, asked(timeouts), HOOK, ends={}, position={}))) == {"e2": None}
    stage.delete_before(stage.events, 0, 2)
    gone = taken(open_source(stage.settings, asked(both), HOOK, ends=source.ends, position={}))
    assert ids(gone)["e1"] is Skip.NOT_KEPT


# ── by their places ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_named_is_read_at_its_place_or_said_to_be_gone(either: Stage) -> None:
    stage = either
    events = some_events(stage, 3)
    attempts, dead_letters = stage.topics.attempts, stage.topics.dead_letter
    failed = stage.log(stage.attempt(events[0], "dead", reason="exhausted"))
    accepted = stage.log(stage.attempt(events[1], "delivered"), partition=1)
    others = stage.log(stage.attempt(events[2], "dead", tenant="other"))
    buried, twice = bury(stage, 7), bury(stage, 7)
    spots = (
        Spot(dead_letters, 0, twice),
        Spot(dead_letters, 0, buried),
        Spot(attempts, 0, failed),
        Spot(attempts, 1, accepted),
        Spot(attempts, 0, others),
        Spot(attempts, 0, 999),
    )
    source = open_source(stage.settings, asked(Chosen(spots=spots)), HOOK, ends={}, position={})
    found = taken(source, 1)
    assert [(each.event.id, each.skip) for each in found] == [
        ("e0", None),
        ("", Skip.NOT_KEPT),
        ("", Skip.NOT_KEPT),
        ("e1", Skip.DELIVERED),
        ("e7", None),
    ]
    assert (found[0].event, found[0].body) == (events[0], b"body of e0")
    position = {(attempts, 0): 1_000, (attempts, 1): 1, (dead_letters, 0): 1}
    rest = taken(open_source(stage.settings, asked(Chosen(spots=spots)), HOOK, ends=source.ends, position=position))
    assert rest == []  # the second dead letter is of a delivery that was taken
