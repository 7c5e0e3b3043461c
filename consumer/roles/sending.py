"""The requests that the core wants sent, on their way to the engine, and what came of them.

The laws:
- every request that the core wants sent is answered to it, or it is unsent. One that the engine cannot take is answered
  as a failed attempt of its own record, and the others are sent;
- while requests may not leave, whoever waits for answers looks again soon.
"""

from collections.abc import Sequence

from consumer.delivery.answer import Answer
from consumer.delivery.boundary import Boundary
from consumer.delivery.core import Core
from consumer.delivery.step import Step
from consumer.http.transport import Sender, Transport
from consumer.signing.request import Request
from consumer.signing.written import Written

_SHUT_WAIT_S = 0.02  # what finds out whether requests may leave again wakes the wait


class Sending:
    """Owned by the loop. `sender` is the transport again, where it sends what the native step writes."""

    def __init__(self, core: Core, transport: Transport, sender: Sender | None) -> None:
        self._core = core
        self._transport = transport
        self._send_written = _nobody if sender is None else sender.send
        self._answers: list[tuple[int, Answer]] = []

    @property
    def open(self) -> bool:
        """Whether requests may leave."""
        return self._transport.open

    def begin(self, step: Step) -> None:
        """Cancel and send what the step says."""
        for token in step.cancel:
            self._transport.cancel(token)
        for token, request in step.send:
            self._send(token, request)
        if step.written:
            self._pass_on(step.written)

    def listen(self, wait_s: float) -> None:
        """Wait so long for answers, and take those that came."""
        self._answers += self._transport.poll(wait_s if self._transport.open else _SHUT_WAIT_S)

    def tell(self, now_ms: int) -> None:
        """Tell the core what came of its requests."""
        answers, self._answers = self._answers, []
        self._core.answers(now_ms, answers)
        for token in self._transport.unsent():
            self._core.unsent(now_ms, token)

    def close(self) -> None:
        """Give up what is under way."""
        self._transport.close()

    def _send(self, token: int, request: Request) -> None:
        job = self._core.sent_for(token)
        if job is None:
            return
        boundaries = self._core.boundaries
        boundaries.take(job.entry)
        submit, name = self._transport.submit, job.delivery.id
        bug = boundaries.within(Boundary.SUBMIT, job.entry, submit, token, request, delivery_id=name)
        boundaries.let_go()
        if bug is not None:
            self._answers.append((token, bug.failure))

    def _pass_on(self, begun: Sequence[tuple[int, Written]]) -> None:
        """The same of those that the native step has written: no record is in hand while it works."""
        send = self._send_written
        for token, written in begun:
            try:
                send(token, written)
            except Exception as error:  # noqa: BLE001 # contained
                job = self._core.sent_for(token)
                if job is not None:
                    bug = self._core.boundaries.met(Boundary.SUBMIT, job.entry, error, job.delivery.id)
                    self._answers.append((token, bug.failure))


def _nobody(token: int, written: Written) -> None:
    del token, written
    raise AssertionError("the native step writes requests only where it sends them")
