"""Endpoints that take so much and no more, and are away for hours.

The law: what an endpoint does depends on what it can take, the time, and what it has at hand; there is no chance in it.
"""

import heapq

from consumer.delivery.answer import FailureKind
from tests.simulation.capacity.case import Case, Endpoint, Silence
from tests.simulation.endpoints import Behaviour, answers, fails, takes
from tests.simulation.timeline import START_MS, Timeline

_BURST_S = 1.0  # what an endpoint with a rate of its own takes at once after a pause


class CaseHosts:
    """The endpoints of a case, `0.example` being the first webhook's."""

    def __init__(self, case: Case, timeline: Timeline) -> None:
        self._timeline = timeline
        self._hosts = {f"{number}.example": Host(webhook.endpoint) for number, webhook in enumerate(case.webhooks)}

    def temper(self, host: str) -> str:
        """None is like those of the other seeds."""
        del host
        return "of a case"

    def behave(self, host: str, timeout_ms: int) -> Behaviour:
        """What comes of a request that reaches this host now."""
        return self._hosts[host].behave(self._timeline.now_ms - START_MS, timeout_ms)


class Host:
    """One endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._free_ms: list[int] = [0] * (endpoint.at_once or 0)  # when each of those who work there is free
        self._theoretical_ms = 0.0

    def behave(self, at_ms: int, timeout_ms: int) -> Behaviour:
        """What comes of a request at that time, in ms since the start."""
        endpoint = self._endpoint
        outage = endpoint.outage(at_ms)
        if outage is not None:
            return _away(outage.kind, timeout_ms)
        if self._is_over_rate(at_ms):
            headers = () if endpoint.asks_s is None else (("retry-after", str(endpoint.asks_s)),)
            return answers(endpoint.refusal, 5, *headers)
        takes_ms = endpoint.takes_at(at_ms)
        began_ms = max(at_ms, heapq.heappop(self._free_ms)) if self._free_ms else at_ms
        if endpoint.at_once is not None:
            heapq.heappush(self._free_ms, began_ms + takes_ms)
        wait_ms = began_ms - at_ms
        return takes(wait_ms + takes_ms // 2, wait_ms + takes_ms, timeout_ms)

    def _is_over_rate(self, at_ms: int) -> bool:
        rate_per_s = self._endpoint.rate_per_s
        if rate_per_s is None:
            return False
        theoretical_ms = max(self._theoretical_ms, float(at_ms))
        if theoretical_ms - at_ms > 1_000 * _BURST_S:
            return True
        self._theoretical_ms = theoretical_ms + 1_000 / rate_per_s
        return False


def _away(kind: Silence, timeout_ms: int) -> Behaviour:
    match kind:
        case Silence.REFUSES:
            return fails(FailureKind.CONNECT, 1)
        case Silence.HANGS:
            return fails(FailureKind.TIMEOUT, timeout_ms)
        case Silence.UNAVAILABLE:
            return answers(503, 5)
