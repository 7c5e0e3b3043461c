"""What the admin port answers, by path. Pure but for the clock that it is given.

The law: an answer is made at most every `KEPT_S`, whoever asks how often.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import msgspec

from consumer.roles.admin_http import Answered, Asked
from consumer.roles.overview import Overview
from consumer.roles.status import status_of
from consumer.telemetry.exposition import OPENMETRICS, PROMETHEUS, text, wants_openmetrics

KEPT_S: Final = 0.25

_INDEX: Final = b"""hookline's admin port

/metrics  for Prometheus, also as OpenMetrics
/livez    200 while every process takes turns
/readyz   200 while every process does what it is for
/status   all of it as JSON: hookline status
"""


class Answering:
    """Owned by one thread."""

    def __init__(self, overview: Overview, monotonic_s: Callable[[], float]) -> None:
        self._overview = overview
        self._monotonic_s = monotonic_s
        self._kept: dict[str, tuple[float, Answered]] = {}

    def answer(self, asked: Asked) -> Answered:
        """The answer to a request."""
        make = self._makers.get(asked.path)
        if make is None:
            return Answered(body=b"Not Found\n", content_type="text/plain", status=HTTPStatus.NOT_FOUND)
        key = asked.path
        if key == "/metrics" and wants_openmetrics(asked.accept):
            key, make = "/metrics as OpenMetrics", self._openmetrics
        now_s = self._monotonic_s()
        made_s, answered = self._kept.get(key, (float("-inf"), None))
        if answered is None or now_s - made_s >= KEPT_S:
            answered = make(now_s)
            self._kept[key] = (now_s, answered)
        return answered

    @property
    def _makers(self) -> dict[str, Callable[[float], Answered]]:
        return {
            "/": lambda _: Answered(body=_INDEX, content_type="text/plain; charset=utf-8"),
            "/metrics": self._prometheus,
            "/livez": self._alive,
            "/readyz": self._ready,
            "/status": self._status,
        }

    def _prometheus(self, now_s: float) -> Answered:
        return Answered(body=text(self._overview.series(now_s), openmetrics=False), content_type=PROMETHEUS)

    def _openmetrics(self, now_s: float) -> Answered:
        return Answered(body=text(self._overview.series(now_s), openmetrics=True), content_type=OPENMETRICS)

    def _alive(self, now_s: float) -> Answered:
        return _said("alive", "not alive", self._overview.silent(now_s))

    def _ready(self, now_s: float) -> Answered:
        del now_s
        return _said("ready", "not ready", self._overview.lacks())

    def _status(self, now_s: float) -> Answered:
        return Answered(body=msgspec.json.encode(status_of(self._overview, now_s)) + b"\n")


def _said(yes: str, no: str, reasons: list[str]) -> Answered:
    if not reasons:
        return Answered(body=msgspec.json.encode({"status": yes}) + b"\n")
    body = msgspec.json.encode({"status": no, "reasons": reasons}) + b"\n"
    return Answered(body=body, status=HTTPStatus.SERVICE_UNAVAILABLE)
