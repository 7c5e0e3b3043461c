"""What the chaos run decides without doing anything: its schedule, its checker, its figures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from consumer.delivery import done_map
from tests.acceptance.happenings import Hook, Published
from tests.acceptance.ledger import Buried
from tests.acceptance.receipts import Receipt
from tests.chaos import canary, hostile
from tests.chaos.arena import happening
from tests.chaos.beside import Span as Waited
from tests.chaos.beside import Waits, bugs, compared, p99
from tests.chaos.changes import Span, Story
from tests.chaos.faults import Happened
from tests.chaos.judgement import Judgement, decide, under_way_until_ms, unsafe
from tests.chaos.load import Ledger
from tests.chaos.recovery import explained, recoveries, silences
from tests.chaos.schedule import STREAMS, Kind, plan
from tests.chaos.topics import Log
from tests.chaos.unreadable import spells
from tests.chaos.watch import Committed

ALL = Hook(name="all", tenant=happening(0).tenant)


def events(number: int) -> list[Published]:
    """Of one tenant and partition, a second apart."""
    found = [n for n in range(number * 8) if happening(n).tenant == ALL.tenant][:number]
    return [
        Published(happening=happening(n), partition=0, offset=at, webhook_id=f"evt-{n}", time_ms=at * 1_000)
        for at, n in enumerate(found)
    ]


def committed_at_once(published: Sequence[Published]) -> list[Committed]:
    return [Committed(at_ms=each.time_ms + 1, partition=0, offset=each.offset + 1, done=None) for each in published]


def judged(
    published: Sequence[Published],
    accepted: Sequence[tuple[str, str]],
    *stories: Story,
    hooks: Sequence[Hook] = (),
    commits: Sequence[Committed] | None = None,
    unreadable: Sequence[Waited] = (),
) -> Judgement:
    log = Log(events=published, buried=(), own_ids={}, tried=(), waited=(), written_ms={})
    receipts = [
        Receipt(at_ms=1, endpoint=name, webhook_id=event, status=200, body=BODIES[event]) for event, name in accepted
    ]
    by_name = {story.hook.name: story for story in stories}
    commits = committed_at_once(published) if commits is None else commits
    return decide(log, receipts, ledger=Ledger(), hooks=hooks, stories=by_name, commits=commits, unreadable=unreadable)


BODIES = {
    event.webhook_id: b'{"type":"%b","timestamp":"1970-01-01T00:%02d:%02d.000Z","data":%b}'
    % (event.happening.type.encode(), *divmod(event.time_ms // 1_000, 60), event.happening.data)
    for event in events(200)
}


def test_a_seed_gives_one_schedule_in_order_and_inside_its_length() -> None:
    first, again, other = plan(1, 1_200), plan(1, 1_200), plan(2, 1_200)
    assert first == again != other
    for faults in first.values():
        assert [fault.at_s for fault in faults] == sorted(fault.at_s for fault in faults)
        assert all(fault.at_s >= 0 and fault.at_s + fault.for_s <= 1_200 for fault in faults)


def test_twenty_minutes_hold_as_many_faults_as_the_promise_names() -> None:
    for seed in range(50):
        kinds = [fault.kind for faults in plan(seed, 1_200).values() for fault in faults]
        assert sum(kind.is_kill for kind in kinds) >= 220
        assert kinds.count(Kind.TERM) + kinds.count(Kind.GUEST) >= 36
        assert sum(kind.of_broker for kind in kinds) >= 22
        assert sum(kind.of_redis for kind in kinds) >= 22


def test_every_stream_has_its_share_of_a_short_run() -> None:
    assert all(plan(seed, 5.0)[name] for seed in range(5) for name in STREAMS)


def test_what_is_owed_to_a_webhook_that_changed() -> None:
    published = events(200)
    hook = Hook(name="changing", tenant=ALL.tenant)
    story = Story(
        hook=hook,
        spans=[
            Span(from_ms=20_000, hook=hook, doubt=True),
            Span(from_ms=25_000, hook=hook),
            Span(from_ms=100_000, hook=hook, doubt=True),
            Span(from_ms=110_000, hook=None),
        ],
        changed_ms=[20_000, 100_000],
    )
    owed = [(event.webhook_id, "changing") for event in published[25:100]]
    assert judged(published, owed, story).verdict.broken() == ""
    assert judged(published, owed, story).in_doubt == 20 + 5 + 10

    # An event long before its webhook went is owed; one shortly before may have been dropped with it.
    assert judged(published, owed[1:], story).verdict.lost == {owed[0]}
    assert judged(published, owed[:-1], story).verdict.lost == set()
    assert judged(published, owed[:-1], story).excused == 1
    # Once nobody is in doubt that it is gone, nothing may come.
    late = (published[150].webhook_id, "changing")
    assert judged(published, [*owed, late], story).verdict.phantom == {late}


def test_what_was_not_committed_when_its_webhook_changed_may_have_been_dropped_with_it() -> None:
    published = events(200)
    hook = Hook(name="changing", tenant=ALL.tenant)
    spans = [Span(from_ms=0, hook=hook), Span(from_ms=150_000, hook=hook, doubt=True), Span(from_ms=160_000, hook=None)]
    story = Story(hook=hook, spans=spans, changed_ms=[150_000])
    assert len(judged(published, [], story).verdict.lost) == 90
    # A partition that stood still: its records were matched, if at all, after the change.
    stood_still = [Committed(at_ms=155_000, partition=0, offset=200, done=None)]
    assert judged(published, [], story, commits=stood_still).verdict.lost == set()
    assert under_way_until_ms(published, stood_still)[0, 3] == 155_000 + 60_000
    assert under_way_until_ms(published, [])[0, 3] == float("inf")


def test_what_was_matched_while_a_process_could_not_read_the_webhooks_may_have_gone_by_an_older_view() -> None:
    published = events(200)
    hook = Hook(name="changing", tenant=ALL.tenant)
    story = Story(hook=hook, spans=[Span(from_ms=0, hook=hook), Span(from_ms=20_000, hook=None)], changed_ms=[20_000])
    owed = [(event.webhook_id, "changing") for event in published[:20]]
    later = [(event.webhook_id, "changing") for event in published[99:102]]
    spell = Waited(from_ms=100_000, until_ms=100_500)
    assert judged(published, [*owed, *later], story, unreadable=[spell]).verdict.phantom == {later[0], later[2]}
    # A partition that stood still until then: all its records were matched in that moment, if not before.
    stood_still = [
        Committed(at_ms=each.time_ms + 1, partition=0, offset=each.offset + 1, done=None)
        for each in published
        if not 90 <= each.offset < 100
    ]
    assert judged(
        published, [*owed, *later], story, commits=stood_still, unreadable=[spell]
    ).verdict.phantom == {later[2]}  # fmt: skip


def test_a_spell_without_the_cache_ends_with_it_or_with_its_process() -> None:
    def line(second: int, pid: int, event: str, role: str = "deliver") -> str:
        return (
            f'{{"time": "1970-01-01T00:{second // 60:02d}:{second % 60:02d}Z", "event": "{event}",'
            f' "role": "{role}", "pid": {pid}, "slot": 0}}'
        )

    begins, ends = "webhooks unreadable", "over: webhooks unreadable"
    assert list(spells([line(0, 1, begins), line(2, 1, ends), "no line of ours", line(90, 1, "else")])) == []
    found = spells([line(0, 1, begins), line(7, 2, begins, "retry"), line(9, 1, ends), line(20, 3, "ready", "retry")])
    assert list(found) == [Waited(from_ms=4_000, until_ms=9_000), Waited(from_ms=11_000, until_ms=20_000)]
    assert list(spells([line(10, 1, begins), line(70, 2, "else", "retry")])) == [
        Waited(from_ms=14_000, until_ms=70_000)
    ]


def test_a_commit_that_calls_something_done_too_early_is_found() -> None:
    published = events(10)
    pairs = {(event.webhook_id, "all"): 1_000 + event.offset for event in published}
    safe = Committed(at_ms=1_004, partition=0, offset=5, done=None)
    too_far = Committed(at_ms=1_004, partition=0, offset=6, done=None)
    assert unsafe([safe, too_far], published, pairs, pairs) == [too_far]

    done = done_map.decode(done_map.encode(2, 7, [2, 3, 4, 5, 6]), 2)
    ahead = Committed(at_ms=1_006, partition=0, offset=2, done=done)
    assert unsafe([ahead], published, pairs, pairs) == [ahead]
    assert unsafe([ahead], published, pairs, {**pairs, (published[7].webhook_id, "all"): 1_000}) == []

    never = {pair: at_ms for pair, at_ms in pairs.items() if pair[0] != published[0].webhook_id}
    assert unsafe([safe], published, pairs, never) == [safe]


def test_recovery_is_when_the_last_partition_delivers_again() -> None:
    fault = Happened(kind=Kind.KILL_DELIVER, began_ms=1_000, ended_ms=2_000)
    arrivals = {"a": [1_500, 2_100], "b": [1_900, 4_500]}
    assert recoveries([fault], arrivals, {"a": 0, "b": 1}, 2)[0].after_ms == 2_500
    assert recoveries([fault], arrivals, {"a": 0, "b": 1}, 3)[0].after_ms is None


def test_recovery_begins_again_with_a_fault_that_came_in_between() -> None:
    first = Happened(kind=Kind.KILL_DELIVER, began_ms=1_000, ended_ms=2_000)
    between = Happened(kind=Kind.BROKER_KILL, began_ms=3_000, ended_ms=4_000)
    later = Happened(kind=Kind.KILL_RETRY, began_ms=9_000, ended_ms=9_000)
    arrivals = {"a": [2_100, 4_100, 9_500], "b": [4_500, 9_100]}
    found = recoveries([first, between, later], arrivals, {"a": 0, "b": 1}, 2)
    assert [(each.after_ms, each.alone_ms) for each in found] == [(2_500, 500), (500, 500), (500, 500)]


def test_an_event_that_is_in_the_log_twice_may_be_delivered_twice() -> None:
    [first, *_] = published = events(3)
    twice = [*published, replace(first, offset=3)]
    owed = [(event.webhook_id, "all") for event in twice]
    assert judged(twice, owed, hooks=[ALL]).duplicates == 0
    assert judged(published, owed, hooks=[ALL]).duplicates == 1


@pytest.mark.parametrize(
    ("requests_ms", "is_explained"),
    [
        ([9_990, 12_000], True),  # not committed when it came
        ([10_500, 12_000], True),
        ([9_990, 15_000, 16_000], True),  # its first attempt failed: two retries of it were written
        ([4_000, 12_000], False),  # long committed
        ([9_000, 9_900], False),  # twice before it came
        ([19_000, 20_000], False),
    ],
)
def test_a_fault_explains_what_was_in_flight_when_it_came(requests_ms: list[int], is_explained: bool) -> None:
    fault = Happened(kind=Kind.KILL_DELIVER, began_ms=10_000, ended_ms=11_000)
    pair = ("e", "a")
    causes, rest = explained([pair], {pair: requests_ms}, [fault])
    assert [cause.kind for cause in causes] == [Kind.KILL_DELIVER] * is_explained
    assert rest == [pair] * (not is_explained)


def test_a_dead_letter_has_the_id_of_its_delivery() -> None:
    pair = ("evt-0", ALL.name)
    right = Buried(pair=pair, delivery_id="d1", reason="exhausted")
    strange = replace(right, delivery_id="d2")
    log = Log(events=(), buried=(right, strange), own_ids={"d1": "d1", "d2": "d1"}, tried=(), waited=(), written_ms={})
    found = decide(log, (), ledger=Ledger(), hooks=(), stories={}, commits=())
    assert found.strange_dead_letters == [strange]
    assert found.verdict.buried_twice == {pair}


def test_a_silence_reaches_to_the_borders() -> None:
    assert silences([5, 6, 7], 0, 10) == 5
    assert silences([5, 6, 7], 4, 20) == 13


def test_a_canary_is_heard_in_every_form() -> None:
    secret, key, word = canary.signing_secret(), canary.encryption_key(), canary.word()
    for text in (secret, key, word, f"prefix {word} suffix", word.encode().hex()):
        assert canary.found([None, b"harmless", text.encode()]), text
    assert not canary.found([None, b"harmless", b"***"])


def test_the_others_wait_beside_the_hostile_at_most_a_second_longer() -> None:
    published = events(60)
    alone, beside = Waited(from_ms=0, until_ms=30_000), Waited(from_ms=30_000, until_ms=60_000)

    def waits(hook: str, took_ms: int) -> Waits:
        took = {event.webhook_id: 10 if event.time_ms < beside.from_ms else took_ms for event in published}
        arrivals = {(event.webhook_id, hook): [event.time_ms + took[event.webhook_id]] for event in published}
        return compared(published, arrivals, alone, beside)

    assert waits("north-0-0", 1_010) == Waits(alone_ms=10, beside_ms=1_010)
    assert waits("north-0-0", 1_010).beyond_ms == 0
    assert waits("south-0-0", 1_200).beyond_ms == 190
    # What is slow, dead or changing is no measure.
    assert waits("odd-0-slow", 9_000) == waits("south-changing-0-1", 9_000) == Waits(alone_ms=0, beside_ms=0)


@pytest.mark.parametrize(("values", "wanted"), [([], 0), ([7], 7), ([*range(1, 101)], 99), ([*range(1, 202)], 199)])
def test_99_of_100_do_not_exceed_it(values: list[int], wanted: int) -> None:
    assert p99(values) == wanted


def test_a_bug_that_a_process_met_is_counted(tmp_path: Path) -> None:
    (tmp_path / "hookline-first-1.log").write_text(
        '{"event": "bug", "x": 1}\n{"event": "bug contained"}\n{"event": "bug"}\n'
    )
    (tmp_path / "other.log").write_text('{"event": "bug"}\n')
    assert bugs(tmp_path) == 3


def test_the_hostile_draw_from_the_generators_and_their_events_are_told_from_the_others() -> None:
    records, payloads = hostile.corpus(7)
    assert len(records) == len(payloads) > 100
    assert all(hook.tenant.startswith(hostile.TENANT) for hook in hostile.hooks())
    assert {happening(number).tenant for number in range(100)}.isdisjoint(hook.tenant for hook in hostile.hooks())
