"""What the chaos run says of jobs, and of the log's index."""

from collections import Counter
from dataclasses import replace

from consumer.delivery.delivery import Delivery, delivery_id, replay_id
from consumer.events.event import Event
from consumer.jobs.job import Asked, Counts, Job, Kind, Missed, State
from consumer.kafka.records import Replay
from consumer.log.index import Bounds
from tests.acceptance.happenings import Hook, Published
from tests.acceptance.ledger import Buried
from tests.acceptance.receipts import Receipt
from tests.chaos.arena import happening, later_hook
from tests.chaos.judgement import decide
from tests.chaos.listed import Made, compared, told
from tests.chaos.load import Ledger
from tests.chaos.sent_again import SentAgain, sent_again
from tests.chaos.topics import Log
from tests.jobs import asked

HOOK = later_hook(1, 0, 40)
TENANTS = [n for n in range(200) if happening(n).tenant == HOOK.tenant]
EVENTS = [
    Published(happening=happening(n), partition=0, offset=at, webhook_id=f"evt-{n}", time_ms=1_000 + at)
    for at, n in enumerate(TENANTS)
]
OWED = [each.webhook_id for each in EVENTS[:4]]
ASKED: Asked = asked(webhook=HOOK.name, kind=Kind.RECOVER, subject=Missed(since_ms=1_001, until_ms=2_000), id="job_1")
DONE = Job(id="job_1", state=State.DONE, heard=1, counts=Counts(sent=3), ends={("orders", 0): 4})


def written(number: int, *, generation: int = 1, job_id: str = "job_1", webhook: str = HOOK.name) -> Delivery:
    place = EVENTS[number]
    event = Event(
        id=place.webhook_id, type="a", tenant=HOOK.tenant, product=None, time_ms=place.time_ms, data=b"{}",
        topic="orders", partition=0, offset=place.offset, timestamp_ms=place.time_ms,
    )  # fmt: skip
    by = replay_id(delivery_id(event, webhook), generation)
    made = delivery_id(event, webhook, by)
    return Delivery(id=made, event=event, subscription_id=webhook, replay_id=by, replays=generation, job_id=job_id)


def found(job: Job | None, sent: list[Delivery], generations: list[Replay] | None = None) -> SentAgain:
    return sent_again(EVENTS, {HOOK.name: HOOK}, [(ASKED, job)], sent, generations or [])


def test_a_recovery_owes_its_events_of_its_time_up_to_where_it_read() -> None:
    assert [each.happening.n < 40 for each in EVENTS[:6]] == [True] * 5 + [False]
    right = found(DONE, [written(1), written(2), written(3), written(3)])
    assert set(right.owed) == {(event, HOOK.name) for event in OWED[1:]}
    assert right.made == Counter({(event, HOOK.name): 1 for event in OWED[1:]})
    assert (right.unended, right.twice, right.miscounted) == ([], [], [])
    assert set(right.bodies) == {(each.webhook_id, HOOK.name) for each in EVENTS[:5]}
    canceled = found(replace(DONE, state=State.CANCELED), [])
    assert set(canceled.owed) == set()


def test_what_a_job_must_not_do() -> None:
    assert found(replace(DONE, state=State.PAUSED), []).unended == ["job_1"]
    assert found(None, []).unended == ["job_1"]
    assert found(DONE, [written(1), written(2)]).miscounted == ["job_1"]
    twice = found(DONE, [written(1), written(1, generation=2), written(2), written(3)])
    assert twice.twice == [f"job_1: {(OWED[1], HOOK.name)}"]
    number = Replay(delivery_id="c", generation=1, at_ms=0)
    assert found(DONE, [], [number, replace(number, generation=2)]).twice == []
    assert found(DONE, [], [number, number]).twice == ["c: 1"]


def test_who_was_sent_something_again_may_accept_it_again_and_what_a_recovery_owes_must_come() -> None:
    again = found(DONE, [written(1), written(2), written(3)])
    log = Log(events=EVENTS, buried=(), own_ids={}, tried=(), waited=(), written_ms={})

    def judged(*accepted: str, buried: tuple[Buried, ...] = ()) -> object:
        receipts = [
            Receipt(at_ms=1, endpoint=HOOK.name, webhook_id=event, status=200, body=again.bodies[event, HOOK.name])
            for event in accepted
        ]
        told_of = replace(log, buried=buried, own_ids={each.delivery_id: each.delivery_id for each in buried})
        found = decide(told_of, receipts, ledger=Ledger(), hooks=(), stories={}, commits=(), again=again)
        return found.verdict.broken(), found.duplicates, len(found.verdict.accepted_and_buried)

    assert judged(*OWED[1:]) == ("", 0, 0)
    assert judged(*OWED, *OWED) == ("", 1, 0)  # of the first nothing was sent again
    assert judged(*OWED[2:]) == (f"1 lost: {(OWED[1], HOOK.name)}", 0, 0)
    letters = tuple(Buried(pair=(OWED[1], HOOK.name), delivery_id=each, reason="gone") for each in ("d1", "d2", "d3"))
    assert judged(*OWED[1:], buried=letters[:2]) == ("", 0, 0)
    assert judged(*OWED[1:], buried=letters) == (f"1 buried twice: {(OWED[1], HOOK.name)}", 0, 0)


def made(offset: int, *, plain: bool = True, answered: bool = True, accepted: bool = True, event: str = "e") -> Made:
    return Made(
        place=("wh", 0, offset), owner=("acme", "hookline"), pair=(event, "wh"),
        plain=plain, answered=answered, accepted=accepted, admitted=accepted, content=b"%d" % offset,
    )  # fmt: skip


def test_the_index_lists_each_attempt_once_but_what_its_bounds_took() -> None:
    bounds = Bounds(plain=3, eventful=10)
    there = [made(offset) for offset in range(5)] + [made(9, plain=False)]
    everything = Counter(each.place for each in there)
    assert compared(there, everything, bounds).agrees
    newest = Counter(each.place for each in there[2:])
    assert compared(there, newest, bounds).agrees
    assert compared(there, newest - Counter([("wh", 0, 3)]), bounds).lacking == [("wh", 0, 3)]
    assert compared(there, newest - Counter([("wh", 0, 9)]), bounds).lacking == [("wh", 0, 9)]
    assert compared(there, everything - Counter([("wh", 0, 1)]), bounds).lacking == [("wh", 0, 1)]  # a gap
    assert compared(there, everything + Counter([("wh", 0, 1)]), bounds).twice == [("wh", 0, 1)]
    assert compared(there, everything + Counter([("wh", 0, 7)]), bounds).strange == [("wh", 0, 7)]


def test_the_attempts_against_what_receivers_noted() -> None:
    def noted(event: str, status: int) -> Receipt:
        return Receipt(at_ms=1, endpoint="wh", webhook_id=event, status=status, body=b"")

    receipts = [noted("e", 503), noted("e", 200), noted("x", 200)]
    attempts = [made(1, accepted=False), made(2), made(3, answered=False, accepted=False)]
    pairs = {("e", "wh"), ("x", "wh")}
    right = told(attempts, receipts, pairs, {("x", "wh")})
    assert (right.invented, right.untold) == ([], [])
    assert told(attempts, receipts, pairs, ()).untold == [("x", "wh")]
    late = made(5, answered=False, accepted=False, event="x")._replace(admitted=True)  # no answer in time
    assert told([*attempts, late], receipts, pairs, ()).untold == []
    assert told([*attempts, made(4)], receipts, (), ()).invented == [("e", "wh")]
    again = told([*attempts, made(4)._replace(content=attempts[1].content)], receipts, (), ())
    assert (again.invented, again.written_twice, right.written_twice) == ([], 1, 0)


def test_a_later_webhook_wants_the_events_that_its_filter_says() -> None:
    hook: Hook = later_hook(9, 10, 20)
    assert hook.filter_json == '{"n": [{"numeric": [">=", 10, "<", 20]}]}'
    assert [n for n in range(40) if hook.passes(happening(n))] == [*range(10, 20)]
