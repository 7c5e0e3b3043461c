"""The transport that Worker is given, and the network behind it: what is accepted and what is heard of it.

The law is Transport's: every token comes back exactly once, unless it was cancelled. The network may lose a request, or
take it and lose the answer.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.delivery.boundary import Boundary
from consumer.signing.request import Request
from tests.simulation import odd
from tests.simulation.endpoints import Behaviour, Hosts
from tests.simulation.faults import Faults
from tests.simulation.ledger import Pair
from tests.simulation.plan import Plan
from tests.simulation.ports import Life


class Observer(Protocol):
    """Who watches the requests of one process. `sent` may be asked while the core still knows the token."""

    def sent(self, token: int, request: Request) -> None:
        """It leaves."""

    def accepted(self, request: Request) -> Pair:
        """The endpoint took it."""

    def heard(self, token: int, request: Request, answer: Answer) -> bool:
        """Its answer is about to reach the loop. Whether it ends the delivery there as accepted."""

    def gone(self, request: Request) -> None:
        """Nobody waits for its answer any more."""


class _Flight:
    __slots__ = ("accepted", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.accepted: Pair | None = None


class Network:
    """One process' requests."""

    def __init__(
        self, life: Life, endpoints: Hosts, faults: Faults, dice: random.Random, *, plan: Plan, observer: Observer
    ) -> None:
        self._life = life
        self._endpoints = endpoints
        self._faults = faults
        self._dice = dice
        self._plan = plan
        self._unanswered = plan.unanswered
        self._observer = observer
        self._flights: dict[int, _Flight] = {}
        self._answers: list[tuple[int, Answer]] = []

    @property
    def in_flight(self) -> int:
        """Requests submitted and not yet returned."""
        return len(self._flights)

    def submit(self, token: int, request: Request) -> None:
        """Start a request."""
        self._life.call()
        at = odd.of_webhook(self._plan, request.url.rsplit("/", 1)[1])
        if at is Boundary.SUBMIT:
            self._life.wake(0)  # what comes of it is acted on in the next turn
            raise odd.OddError
        self._observer.sent(token, request)
        flight = self._flights[token] = _Flight(request)
        host = request.url.split("/", 3)[2]
        behaviour = self._endpoints.behave(host, request.timeout_ms)
        if self._unanswered and self._faults.strikes(self._dice, self._unanswered):
            behaviour = self._disturbed(behaviour, request)
        if at is Boundary.ANSWER:
            behaviour = replace(behaviour, accepts_after_ms=None)
        answer = odd.answer_of(at, behaviour.answer)
        timeline = self._life.timeline
        if behaviour.accepts_after_ms is not None:
            timeline.after(behaviour.accepts_after_ms, lambda: self._arrive(flight))
        self._life.later(behaviour.answers_after_ms, lambda: self._answers.append((token, answer)))

    @property
    def open(self) -> bool:
        """Requests go out without a proxy."""
        return True

    def unsent(self) -> Sequence[int]:
        """So none of them ever ends for one."""
        return ()

    def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
        """The answers that came. Time passes in it only during a drain."""
        self._life.call()
        if self._life.waiting and not self._answers:
            self._life.pass_time(20 if wait_s else 1)
        came, self._answers = self._answers, []
        answers = []
        for token, answer in came:
            flight = self._flights.pop(token, None)
            if flight is None:
                continue  # cancelled
            if self._observer.heard(token, flight.request, answer) and flight.accepted is not None:
                flight.accepted.silent -= 1
            answers.append((token, answer))
        return answers

    def cancel(self, token: int) -> None:
        """Forget a request."""
        self._life.call()
        flight = self._flights.pop(token, None)
        if flight is not None:
            self._observer.gone(flight.request)

    def watch(self, fd: int) -> None:
        """Nothing has descriptors here."""

    def close(self) -> None:
        """Forget all."""
        flights, self._flights = self._flights, {}
        for flight in flights.values():
            self._observer.gone(flight.request)

    def _arrive(self, flight: _Flight) -> None:
        flight.accepted = self._observer.accepted(flight.request)

    def _disturbed(self, behaviour: Behaviour, request: Request) -> Behaviour:
        kind = self._dice.choice(("answer lost", "answer reset", "connection reset", "request lost"))
        self._faults.met(kind)
        lost = Failure(kind=FailureKind.TIMEOUT, detail="", elapsed_ms=1.0)
        reset = Failure(kind=FailureKind.RESET, detail="", elapsed_ms=1.0)
        match kind:
            case "answer lost":
                return Behaviour(behaviour.accepts_after_ms, lost, request.timeout_ms)
            case "answer reset":
                return Behaviour(behaviour.accepts_after_ms, reset, behaviour.answers_after_ms)
            case "connection reset":
                return Behaviour(None, reset, 2)
            case _:
                return Behaviour(None, lost, request.timeout_ms)
