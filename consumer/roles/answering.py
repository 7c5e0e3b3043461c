"""What the admin port answers, by path. Pure but for the clock that it is given.

The law: an answer is made at most every `KEPT_S`, whoever asks how often.
"""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec

from consumer.roles.admin_http import Answered, Asked
from consumer.roles.overview import Overview
from consumer.roles.status import status_of
from consumer.telemetry.catalogue import ALL
from consumer.telemetry.exposition import OPENMETRICS, PROMETHEUS, text, wants_openmetrics
from consumer.telemetry.webhook_metrics import OF_WEBHOOKS

KEPT_S: Final = 0.25

_METRICS: Final = "/metrics"
_SCRAPED: Final = (_METRICS, "/metrics/webhooks")

_INDEX: Final = b"""hookline's admin port

/metrics           for Prometheus, also as OpenMetrics
/metrics/webhooks  the same of single webhooks: HOOKLINE_METRICS_WEBHOOKS, HOOKLINE_METRICS_TENANTS
/livez             200 while every process takes turns
/readyz            200 while every process does what it is for
/status            all of it as JSON: hookline status
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
        if key in _SCRAPED and wants_openmetrics(asked.accept):
            key, make = f"{key} as OpenMetrics", partial(self._scraped, key, openmetrics=True)
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
            **{path: partial(self._scraped, path, openmetrics=False) for path in _SCRAPED},
            "/livez": self._alive,
            "/readyz": self._ready,
            "/status": self._status,
        }

    def _scraped(self, path: str, now_s: float, *, openmetrics: bool) -> Answered:
        series, of = (
            (self._overview.series(now_s), ALL) if path == _METRICS else (self._overview.webhooks(now_s), OF_WEBHOOKS)
        )
        body = text(series, openmetrics=openmetrics, of=of)
        return Answered(body=body, content_type=OPENMETRICS if openmetrics else PROMETHEUS)

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
