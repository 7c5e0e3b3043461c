"""The law: any accepted webhook with any accepted event and any answer never raises.

Not in the matcher, the signer, the core, either engine, the records that follow, or what customers are shown of it.
An answer is played by a real socket on loopback, to both engines, and is the same to both.
"""

import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from consumer.brands.loader import brand
from consumer.control.owner import Owner
from consumer.control.resource import resource
from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.delivery.core import Core
from consumer.delivery.delivery import Delivery
from consumer.delivery.offsets import Position
from consumer.delivery.step import Bury, Delay, Step, Suspend
from consumer.delivery.target import Target
from consumer.events.event import Event, Record
from consumer.http.curl import CurlTransport
from consumer.http.guard import AddressGuard
from consumer.http.portable import PortableTransport
from consumer.http.transport import Transport
from consumer.kafka.records import (
    decode_attempt,
    decode_dead_letter,
    decode_delayed,
    encode_attempt,
    encode_dead_letter,
    encode_delivery,
)
from consumer.log.attempts import sent_of
from consumer.log.health import NO_HEALTH, folded
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.webhooks import record
from consumer.webhooks.fields import check_tenant
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Status, Subscription
from consumer.webhooks.wrong import FieldInvalid
from tests.conformance.conftest import LOOPBACK
from tests.deliveries import NOW_MS, rules
from tests.hostile import answers, webhooks
from tests.hostile.answers import Ending, Played
from tests.hostile.endpoint import HostileEndpoint

BATCH: Final = 250
_TIMEOUT_MS: Final = 20_000
_POLL_S: Final = 0.01
_AT_ONCE: Final = 3  # of the same event: what waits in its lane meets the limits of its webhook
_PLACE: Final = ("events", 0)
_OUR_CODE: Final = str(Path(__file__).parents[2] / "consumer")

Opener: TypeAlias = Callable[[], Transport]


def _engine(kind: type[CurlTransport] | type[PortableTransport]) -> Transport:
    return kind(AddressGuard(LOOPBACK), max_connections=2 * BATCH, resolve=lambda _host, _port: ["127.0.0.1"])


ENGINES: Final[dict[str, Opener]] = {
    "curl": lambda: _engine(CurlTransport),
    "httpx": lambda: _engine(PortableTransport),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One webhook, one event, one answer."""

    number: int
    subscription: Subscription
    event: Event
    played: Played


@dataclass(slots=True)
class Report:
    """What was tried, and what broke the law: each fault once, with the first case that showed it."""

    cases: int = 0
    refused: int = 0
    unmatched: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    found: dict[str, str] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)

    def broken(self, where: str, case: Case, error: BaseException) -> None:
        """A case raised."""
        frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename.startswith(_OUR_CODE)]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "the test"
        self.told(f"{where}: {type(error).__name__} in {place}", f"{error} — {_shown(case)}")

    def told(self, fault: str, detail: str) -> None:
        """A fault, by its name."""
        self.found.setdefault(fault, detail)
        self.times[fault] += 1

    @property
    def verdict(self) -> str:
        """One line."""
        if self.found:
            return f"hostile: {self.cases} cases, BROKEN in {len(self.found)} ways"
        return f"hostile: {self.cases} cases, nothing raised"


def cases(seed: int, first: int, events: Iterable[Event], port: int, report: Report) -> list[Case]:
    """A case for each event: the dice are those of the seed and the case's number."""
    drawn: list[Case] = []
    for number, accepted in enumerate(events, start=first):
        event = _owned(accepted)
        dice = random.Random(f"{seed}:{number}")
        owner = Owner(tenant=event.tenant, brand=dice.choice(sorted(webhooks.BRANDS)))
        subscription = None
        while subscription is None:
            body = webhooks.body(dice, owner.brand, webhooks.url_of(dice, number, port))
            subscription = webhooks.accepted(dice, body, owner)
            report.refused += subscription is None
        drawn.append(Case(number=number, subscription=subscription, event=event, played=answers.drawn(dice)))
    return drawn


def _owned(event: Event) -> Event:
    """Of a tenant that can have webhooks: an event may name others, and nobody is sent those."""
    try:
        check_tenant("tenant", event.tenant)
    except FieldInvalid:
        return replace(event, tenant="t")
    return event


def judge(batch: Sequence[Case], plays: dict[int, Played], report: Report) -> None:
    """Deliver every case by both engines, and follow what comes of it to its end."""
    plays.update({case.number: case.played for case in batch})
    found = {name: _delivered(batch, name, report) for name in ENGINES}
    for case in batch:
        both = [found[name].get(case.number) for name in ENGINES]
        report.cases += 1
        if both[0] is not None and both[1] is not None and not _agree(case.played, both[0], both[1]):
            report.told("the engines differ", f"{_told(both[0])} and {_told(both[1])} — {_shown(case)}")
        del plays[case.number]


def _delivered(batch: Sequence[Case], engine: str, report: Report) -> dict[int, Answer]:
    """The cases' answers by this engine."""
    begun: dict[int, _Delivery] = {}
    for case in batch:
        try:
            begun[case.number] = _Delivery(case)
        except Exception as error:  # noqa: BLE001 - whatever it is, it breaks the law
            report.broken("before sending", case, error)
    report.unmatched += sum(each.unmatched for each in begun.values()) if engine == "curl" else 0
    by_number = {case.number: case for case in batch}
    answered = _asked(engine, [by_number[number] for number in begun], begun, report)
    for number, answer in answered.items():
        report.answers[_told(answer)] += engine == "curl"
        try:
            begun[number].ended(answer)
        except Exception as error:  # noqa: BLE001 - same
            report.broken("after the answer", by_number[number], error)
    return answered


def _asked(engine: str, batch: Sequence[Case], begun: dict[int, "_Delivery"], report: Report) -> dict[int, Answer]:
    """Ask for all at once; where that raises, for each alone, to see whose answer it was."""
    transport = ENGINES[engine]()
    answered: dict[int, Answer] = {}
    try:
        for case in batch:
            transport.submit(case.number, replace(begun[case.number].request, timeout_ms=_TIMEOUT_MS))
        while transport.in_flight:
            answered.update(transport.poll(_POLL_S))
    except Exception as error:  # noqa: BLE001 - same
        if len(batch) > 1:
            for case in batch:
                answered |= _asked(engine, [case], begun, report)
        else:
            report.broken(engine, batch[0], error)
    finally:
        transport.close()
    return answered


class _Delivery:
    """One case on its way through a core of its own."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._subscription = case.subscription
        self.unmatched = False
        step = self._begun()
        if not step.send:  # it is not wanted: once more, for a webhook that wants everything
            self.unmatched = True
            self._subscription = replace(case.subscription, filter_json=None, event_types=(), product=None)
            step = self._begun()
        self._tokens = [token for token, _ in step.send]
        self.request: Request = step.send[0][1]

    def _begun(self) -> Step:
        self._core = Core(rules(), decode=lambda _: self._case.event, target=_target)
        self._core.assigned({_PLACE: Position(0)})
        self._core.records(NOW_MS, [replace(_RECORD, offset=offset) for offset in range(_AT_ONCE)])
        asked = self._core.next(NOW_MS, NOW_MS)
        for tenant in asked.load:
            self._core.loaded(NOW_MS, tenant, Loaded(version="1", subscriptions=(self._subscription,)))
        begun = self._core.next(NOW_MS, NOW_MS)
        _contained_nothing(begun)
        return begun

    def ended(self, answer: Answer) -> None:
        """Its answer came: everything that is written, logged and shown of it."""
        now_ms = NOW_MS + 100
        for token in self._tokens:
            self._core.answered(now_ms, token, answer)
        step = self._core.next(now_ms, now_ms)
        _contained_nothing(step)
        attempt = step.attempts[0][1]
        value = encode_attempt(attempt)
        assert len(decode_attempt(value).response_headers) == len(attempt.response_headers)
        health = folded(NO_HEALTH, sent_of(value))
        for token, write in step.write:
            match write:
                case Delay(delayed=Delivery() as delayed):
                    assert decode_delayed(encode_delivery(delayed), delayed.tier) is not None
                case Bury(dead_letter=dead_letter):
                    assert decode_dead_letter(encode_dead_letter(dead_letter)).reason == dead_letter.reason
                case Suspend(subscription=suspended):
                    assert record.decode(record.encode(suspended)).status is Status.SUSPENDED
            self._core.acknowledged(token)
        assert msgspec.json.encode(resource(self._subscription, health=health))
        for _ in range(3):  # its lane has learnt from it: the next event meets that
            now_ms += 1_000
            self._core.records(now_ms, [replace(_RECORD, offset=_RECORD.offset + now_ms)])
            _contained_nothing(self._core.next(now_ms, now_ms))


def _contained_nothing(step: Step) -> None:
    """What a boundary caught was raised all the same."""
    for bug in step.bugs:
        raise bug.error


_RECORD: Final = Record(
    topic=_PLACE[0], partition=_PLACE[1], offset=0, key=None, value=b"", headers=(), timestamp_ms=NOW_MS
)


def _target(subscription: Subscription) -> Target:
    return Target(subscription, lambda each: Signer(each, brand(each.brand), webhooks.KEYRING))


def _agree(played: Played, one: Answer, other: Answer) -> bool:
    """Whether both engines read the same, as far as they can.

    A reset may overtake what was sent before it. How chunks end, and what trailers are, is for each engine's library:
    libcurl takes a line feed alone, h11 does not. And a head that is malformed and broken off is either.
    """
    kinds = {_told(one), _told(other)}
    if isinstance(one, Response) and isinstance(other, Response):
        return (one.status, one.headers, one.body, one.body_truncated) == (
            other.status,
            other.headers,
            other.body,
            other.body_truncated,
        )
    if len(kinds) == 1:
        return True
    if played.ending is not Ending.CLOSE and FailureKind.RESET in kinds:
        return True
    if b"transfer-encoding" in played.whole.lower():
        return kinds & {FailureKind.PROTOCOL, FailureKind.RESET} != set()
    return isinstance(answers.read(played), Failure) and kinds == {FailureKind.PROTOCOL, FailureKind.RESET}


def _told(answer: Answer) -> str:
    return f"HTTP {answer.status}" if isinstance(answer, Response) else str(answer.kind)


def _shown(case: Case) -> str:
    sent = case.played.whole
    return (
        f"case {case.number}: {case.subscription.payload_format} {case.subscription.signing} "
        f"{case.subscription.filter_json or ''} rate {case.subscription.rate_per_s}, "
        f"event {case.event.type!r} {case.event.data[:80]!r}, answer {sent[:200]!r} {case.played.ending.name}"
    )


__all__ = ["BATCH", "Case", "HostileEndpoint", "Report", "cases", "judge"]
