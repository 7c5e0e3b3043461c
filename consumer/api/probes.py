"""/livez and /readyz.

The law: alive is a process that answers. Ready is one that could do what it is for: its views have read all there was,
and Kafka answers. Whoever asks often costs Kafka no more than one question a second.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.responses import Response

from consumer.api.freshness import Freshness
from consumer.api.services import Plane
from consumer.kafka.client import KafkaBroken

_BELIEVED_S: Final = 1.0


class Probes:
    """The probes of one process."""

    def __init__(
        self, plane: Plane, freshness: Freshness, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._plane = plane
        self._freshness = freshness
        self._monotonic_s = monotonic_s
        self._reasons: list[str] = []
        self._asked_s = float("-inf")

    def alive(self) -> Response:
        """Always 200."""
        return _told(HTTPStatus.OK, {"status": "alive"})

    async def ready(self) -> Response:
        """200, or 503 with the reasons."""
        if self._monotonic_s() - self._asked_s >= _BELIEVED_S:
            self._reasons = await self._found()
            self._asked_s = self._monotonic_s()
        if self._reasons:
            return _told(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready", "reasons": self._reasons})
        return _told(HTTPStatus.OK, {"status": "ready"})

    async def _found(self) -> list[str]:
        if not self._plane.ready:
            return ["the topics are not read to their ends yet"]
        try:
            await self._freshness.wait()
        except KafkaBroken:
            return ["Kafka does not answer"]
        return []


def _told(status: HTTPStatus, body: dict[str, object]) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")
