"""An exception at a named boundary ends one delivery's attempt, or one record; everything else goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.delivery.boundary import Boundaries, Boundary
from consumer.delivery.core import Core
from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.intake import Content
from consumer.delivery.mark import NoMark
from consumer.delivery.offsets import Partition, Position, Window
from consumer.delivery.step import Delay, Reject, Step
from consumer.delivery.target import Target
from consumer.events.event import Event, Record
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.telemetry.bugs import trace
from consumer.webhooks import matching
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, event, response, rules, subscription, target_of

PLACE = ("events", 0)
SECRET = "whsec_nobody may read this"


class OddError(Exception):
    """What no code expects, with words that must go nowhere."""


def fails(*_given: object) -> None:
    raise OddError(SECRET)


def read(record: Record) -> Content:
    return event(f"evt_{record.offset}", offset=record.offset)


def odd_read(record: Record) -> Content:
    if record.offset == 0:
        fails()
    return read(record)


class OddSigner(Signer):
    """A signer that fails at one of its methods, for the first event."""

    def __init__(self, at: str, inner: Signer) -> None:
        self._at = at
        self._inner = inner

    def body(self, event: Event) -> tuple[bytes, str]:
        if self._at == "body" and event.id == "evt_0":
            fails()
        return self._inner.body(event)

    def request(
        self, *, event: Event, body: bytes, content_type: str, now_ms: int, addresses: tuple[str, ...] = ()
    ) -> Request:
        if self._at == "request" and event.id == "evt_0":
            fails()
        return self._inner.request(
            event=event, body=body, content_type=content_type, now_ms=now_ms, addresses=addresses
        )

    def shown(self, request: Request) -> tuple[tuple[str, str], ...]:
        if self._at == "shown":
            fails()
        return self._inner.shown(request)


def odd_target(at: str) -> Callable[[Subscription], Target]:
    def made(to: Subscription) -> Target:
        return Target(to, lambda each: OddSigner(at, target_of(each).signer))

    return made


@dataclass
class Bench:
    """Two events of one tenant: the first meets what is odd, the second is like any other."""

    core: Core

    @classmethod
    def of(
        cls, *, decode: Callable[[Record], Content] = read, target: Callable[[Subscription], Target] = target_of
    ) -> "Bench":
        core = Core(rules(), decode=decode, target=target)
        core.assigned({PLACE: Position(0)})
        core.records(
            NOW_MS,
            [
                Record(
                    topic=PLACE[0],
                    partition=PLACE[1],
                    offset=offset,
                    key=b"k",
                    value=b"v",
                    headers=(("h", b"1"),),
                    timestamp_ms=NOW_MS,
                )
                for offset in (0, 1)
            ],
        )
        return cls(core)

    def next(self) -> Step:
        step = self.core.next(NOW_MS, NOW_MS)
        for tenant in step.load:
            self.core.loaded(NOW_MS, tenant, Loaded(version="1", subscriptions=(subscription(),)))
        more = self.core.next(NOW_MS, NOW_MS)
        for name in ("send", "write", "attempts", "bugs"):
            getattr(step, name).extend(getattr(more, name))
        return step

    def ends(self, writes: Sequence[int], requests: Sequence[int], answer: Answer | None = None) -> bool:
        """Whether both records have ended when these are answered."""
        for token in writes:
            self.core.acknowledged(token)
        for token in requests:
            self.core.answered(NOW_MS, token, answer or response())
        return self.core.positions()[PLACE].offset == 2


def told_once(step: Step, boundary: Boundary) -> None:
    [bug] = step.bugs
    assert (bug.boundary, bug.partition, bug.offset) == (boundary, PLACE, 0)
    assert bug.detail.startswith(f"OddError in {boundary} at tests/unit/delivery/test_containment.py:")
    assert "(hookline " in bug.detail
    for said in (bug.detail, repr(bug), trace(bug.error)):
        assert SECRET not in said
    assert "in fails" in trace(bug.error)


def test_a_record_that_cannot_be_decoded_for_a_bug_is_poison_byte_for_byte() -> None:
    bench = Bench.of(decode=odd_read)
    step = bench.next()
    told_once(step, Boundary.DECODE)
    [(write, poison)] = step.write
    assert isinstance(poison, Reject)
    assert (poison.record.value, poison.poison.reason) == (b"v", "bug")
    [(request, _)] = step.send
    assert bench.ends([write], [request])


def test_so_is_an_event_that_cannot_be_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = matching.Matcher.match

    def match(matcher: matching.Matcher, event: Event) -> Sequence[Subscription]:
        if event.id == "evt_0":
            fails()
        return honest(matcher, event)

    monkeypatch.setattr(matching.Matcher, "match", match)
    bench = Bench.of()
    step = bench.next()
    told_once(step, Boundary.MATCH)
    [(write, poison)] = step.write
    assert isinstance(poison, Reject)
    assert (poison.record.value, poison.record.headers, poison.poison.reason) == (b"v", (("h", b"1"),), "bug")
    [(request, _)] = step.send
    assert bench.ends([write], [request])


@pytest.mark.parametrize(("at", "boundary"), [("body", Boundary.RENDER), ("request", Boundary.SIGN)])
def test_a_request_that_cannot_be_made_is_a_failed_attempt(at: str, boundary: Boundary) -> None:
    bench = Bench.of(target=odd_target(at))
    step = bench.next()
    told_once(step, boundary)
    [(write, retry)] = step.write
    assert isinstance(retry, Delay)
    assert isinstance(retry.delayed, Delivery)
    # Nothing was rendered for good: what is still needed of the event is there.
    assert (retry.tier, retry.delayed.attempts, retry.delayed.event.data) == (1, 1, event().data)
    [(_, attempt)] = step.attempts
    assert (attempt.failure, attempt.outcome, attempt.next_tier) == ("bug", "retry", "1s")
    [(request, _)] = step.send
    assert bench.ends([write], [request])


def test_so_is_one_whose_secret_cannot_be_opened_for_a_bug() -> None:
    def target(to: Subscription) -> Target:
        def factory(_: Subscription) -> Signer:
            raise OddError(SECRET)

        return Target(to, factory)

    step = Bench.of(target=target).next()
    assert {(bug.boundary, bug.offset) for bug in step.bugs} == {(Boundary.SIGN, 0), (Boundary.SIGN, 1)}
    assert [attempt.failure for _, attempt in step.attempts] == ["bug", "bug"]


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=503, headers=((None, "1"),), body=b"", body_truncated=False, elapsed_ms=1.0),  # type: ignore[arg-type] # no engine's, by type
        Failure(kind=FailureKind.BUG, detail="", elapsed_ms=1.0, error=OddError(SECRET)),  # an engine met it
    ],
    ids=["in the core", "in the engine"],
)
def test_an_answer_that_cannot_be_read_is_a_failed_attempt(answer: Answer) -> None:
    bench = Bench.of()
    first, second = (token for token, _ in bench.next().send)
    bench.core.answered(NOW_MS, first, answer)
    step = bench.next()
    [bug] = step.bugs
    assert (bug.boundary, bug.offset) == (Boundary.ANSWER, 0)
    [(_, attempt)] = step.attempts
    assert (attempt.failure, attempt.outcome) == ("bug", "retry")
    assert SECRET not in attempt.failure_detail
    [(write, retry)] = step.write
    assert isinstance(retry, Delay)
    assert bench.ends([write], [second])


def test_an_attempt_that_cannot_be_told_is_told_without_its_contents() -> None:
    bench = Bench.of(target=odd_target("shown"))
    first, second = (token for token, _ in bench.next().send)
    bench.core.answered(NOW_MS, first, response())
    step = bench.next()
    told_once(step, Boundary.LOG)
    [(_, attempt)] = step.attempts
    assert (attempt.outcome, attempt.failure, attempt.request_headers) == ("delivered", "bug", ())
    assert attempt.failure_detail.startswith("OddError in log at ")
    assert bench.ends([], [second])


def test_a_process_without_memory_ends() -> None:
    entry = Entry(Window(PLACE), 0)

    def starves() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        Boundaries(NoMark()).within(Boundary.MATCH, entry, starves)


def test_a_recursion_without_end_is_contained() -> None:
    boundaries = Boundaries(NoMark())

    def deeper(depth: int) -> int:
        return deeper(depth + 1)

    boundaries.within(Boundary.MATCH, Entry(Window(PLACE), 0), deeper, 0)
    [bug] = boundaries.bugs()
    assert isinstance(bug.error, RecursionError)
    assert len(trace(bug.error)) < 10_000


def test_a_bug_in_our_own_books_ends_the_process() -> None:
    bench = Bench.of()
    bench.next()
    with pytest.raises(KeyError):
        bench.core.acknowledged(99)


class Noting(NoMark):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[int | None] = []

    def hold(self, partition: Partition, offset: int) -> None:
        self.told.append(offset)

    def let_go(self) -> None:
        self.told.append(None)


def test_the_mark_is_told_of_a_record_once_until_another_is_taken_or_it_is_let_go() -> None:
    mark, window = Noting(), Window(PLACE)
    boundaries, first, second = Boundaries(mark), Entry(window, 7), Entry(window, 8)
    boundaries.let_go()
    for entry in (first, first, second, second, first):
        boundaries.take(entry)
    boundaries.let_go()
    boundaries.let_go()
    boundaries.take(first)
    assert mark.told == [7, 8, 7, None, 7]
