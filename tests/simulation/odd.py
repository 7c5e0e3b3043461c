"""What no code expects: exceptions planted at every boundary where the product contains them.

The law: an odd event is odd at its decoding or matching, an odd webhook at everything that is done for it there, and
whatever else happens, only they may suffer for it.
"""

from typing import Final

from consumer.delivery.answer import Answer, Response
from consumer.delivery.boundary import Boundary
from consumer.events.event import Event
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from tests.simulation.plan import Plan

_WEBHOOKS: Final = {3: Boundary.RENDER, 7: Boundary.SIGN, 11: Boundary.SUBMIT, 15: Boundary.ANSWER, 19: Boundary.LOG}
_OF: Final = 20


class OddError(Exception):
    """Raised where nothing should be."""


class OddType(str):
    """The type of an event that cannot be matched: it cannot be looked up."""

    __slots__ = ()

    def __hash__(self) -> int:
        raise OddError

    def __eq__(self, other: object) -> bool:
        raise OddError


class OddSigner(Signer):
    """Stands before a signer and fails at one of the two."""

    def __init__(self, at: Boundary, inner: Signer) -> None:
        self._at = at
        self._inner = inner

    def body(self, event: Event) -> tuple[bytes, str]:
        """As the signer's."""
        if self._at is Boundary.RENDER:
            raise OddError
        return self._inner.body(event)

    def request(
        self, *, event: Event, body: bytes, content_type: str, now_ms: int, addresses: tuple[str, ...] = ()
    ) -> Request:
        """As the signer's."""
        if self._at is Boundary.SIGN:
            raise OddError
        return self._inner.request(
            event=event, body=body, content_type=content_type, now_ms=now_ms, addresses=addresses
        )

    def shown(self, request: Request) -> tuple[tuple[str, str], ...]:
        """As the signer's."""
        return self._inner.shown(request)


def of_webhook(plan: Plan, webhook: str) -> Boundary | None:
    """Where all that is done for this webhook fails, if it does."""
    return _WEBHOOKS.get(int(webhook.removeprefix("wh_")) % _OF) if plan.odd else None


def answer_of(at: Boundary | None, answer: Answer) -> Answer:
    """What an endpoint's answer becomes: one that cannot be read, or one that cannot be logged."""
    nothing: str = None  # type: ignore[assignment] # by type no engine makes it
    if at is Boundary.ANSWER:
        return Response(status=503, headers=((nothing, "1"),), body=b"", body_truncated=False, elapsed_ms=1.0)
    if at is Boundary.LOG and isinstance(answer, Response):
        headers = (*answer.headers, ("odd", nothing))
        return Response(status=answer.status, headers=headers, body=b"", body_truncated=False, elapsed_ms=1.0)
    return answer
