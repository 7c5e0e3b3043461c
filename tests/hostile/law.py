"""The law: any accepted webhook with any accepted event and any answer never raises, whatever the webhook becomes.

Not in the matcher, the signer, the core, any engine, the records that follow, or what customers are shown of it. An
answer is played by a real socket on loopback, to every engine, and is the same to all.
"""

import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

from msgspec.structs import replace

from consumer.control.owner import Owner
from consumer.delivery.answer import UNTIMED, Answer, Failure, FailureKind, Response
from consumer.events.event import Event
from consumer.http.curl import CurlTransport
from consumer.http.guard import AddressGuard
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Transport
from consumer.webhooks.fields import check_tenant
from consumer.webhooks.wrong import FieldInvalid
from tests.conformance.conftest import LOOPBACK
from tests.hostile import answers, changes, webhooks
from tests.hostile.answers import Ending, Played
from tests.hostile.endpoint import HostileEndpoint
from tests.hostile.way import Case, Way

BATCH: Final = 250
_TIMEOUT_MS: Final = 20_000
_POLL_S: Final = 0.01
_AT_ONCE: Final = 3  # of the same event: what waits in its lane meets the limits of its webhook
_PLACE: Final = ("events", 0)
_OUR_CODE: Final = str(Path(__file__).parents[2] / "consumer")

Opener: TypeAlias = Callable[[], Transport]


def _native() -> Transport:
    from consumer.http.native import NativeTransport  # noqa: PLC0415 - it may not be installed

    return NativeTransport(AddressGuard(LOOPBACK), max_connections=2 * BATCH)


ENGINES: Final[dict[str, Opener]] = {
    "sockets": lambda: SocketsTransport(AddressGuard(LOOPBACK), max_connections=2 * BATCH),
    "curl": lambda: CurlTransport(AddressGuard(LOOPBACK), max_connections=2 * BATCH),
}
if find_spec("hookline_native"):
    ENGINES["native"] = _native


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
        played = answers.drawn(dice)
        later = changes.drawn(dice, subscription, webhooks.url_of(dice, number, port))
        drawn.append(Case(number=number, subscription=subscription, later=later, event=event, played=played))
    return drawn


def _owned(event: Event) -> Event:
    """Of a tenant that can have webhooks: an event may name others, and nobody is sent those."""
    try:
        check_tenant("tenant", event.tenant)
    except FieldInvalid:
        return replace(event, tenant="t")
    return event


def judge(batch: Sequence[Case], plays: dict[int, Played], report: Report) -> None:
    """Send every case by every engine, and follow what comes of its answers to its end."""
    plays.update({case.number: case.played for case in batch})
    begun: dict[int, Way] = {}
    for case in batch:
        report.cases += 1
        try:
            begun[case.number] = Way(case)
        except Exception as error:  # noqa: BLE001 - whatever it is, it breaks the law
            report.broken("before sending", case, error)
    report.unmatched += sum(each.unmatched for each in begun.values())
    sent = [case for case in batch if case.number in begun]
    asked = {engine: _asked(engine, sent, begun, report) for engine in ENGINES}
    name, *names = asked
    for case in sent:
        one = asked[name].get(case.number)
        _followed(case, begun[case.number], one, report)
        for engine in names:
            other = asked[engine].get(case.number)
            if one is not None and other is not None and not _agree(case.played, one, other):
                detail = f"{name}: {_told(one)}, {engine}: {_told(other)} — {_shown(case)}"
                report.told("the engines differ", detail)
            if other is not None and (one is None or not _is_same(one, other)):
                _followed(case, Way(case), other, report)
    for case in batch:
        del plays[case.number]


def _followed(case: Case, way: Way, answer: Answer | None, report: Report) -> None:
    if answer is None:
        return  # it raised, and is told
    report.answers[_told(answer)] += 1
    try:
        way.ended(answer)
    except Exception as error:  # noqa: BLE001 - same
        report.broken("after the answer", case, error)


def _is_same(one: Answer, other: Answer) -> bool:
    """But for the time that it took."""
    return replace(one, elapsed_ms=0.0, timing=UNTIMED) == replace(other, elapsed_ms=0.0, timing=UNTIMED)


def _asked(engine: str, batch: Sequence[Case], begun: dict[int, Way], report: Report) -> dict[int, Answer]:
    """Ask for all at once; where that raises, for each alone, to see whose answer it was."""
    transport = ENGINES[engine]()
    answered: dict[int, Answer] = {}
    try:
        for case in batch:
            request = begun[case.number].request
            transport.submit(case.number, replace(request, timeout_ms=_TIMEOUT_MS, addresses=("127.0.0.1",)))
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


def _agree(played: Played, one: Answer, other: Answer) -> bool:
    """Whether two engines read the same, as far as they can.

    A reset may overtake what was sent before it. And a head that is malformed and broken off is either.
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
    return isinstance(answers.read(played), Failure) and kinds == {FailureKind.PROTOCOL, FailureKind.RESET}


def _told(answer: Answer) -> str:
    return str(answer.kind) if isinstance(answer, Failure) else f"HTTP {answer.status}"


def _shown(case: Case) -> str:
    sent = case.played.whole
    return (
        f"case {case.number}: {case.subscription.payload_format} {case.subscription.signing} "
        f"{case.subscription.filter_json or ''} rate {case.subscription.rate_per_s}, "
        f"event {case.event.type!r} {case.event.data[:80]!r}, answer {sent[:200]!r} {case.played.ending.name}"
    )


__all__ = ["BATCH", "Case", "HostileEndpoint", "Report", "cases", "judge"]
