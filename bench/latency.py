"""From publish to receive at a low rate, where no queue hides the path's own time."""

from dataclasses import dataclass

from bench import cores
from bench.audience import Audience
from bench.installation import BenchError, Installation, wait_until
from bench.load import Load
from bench.receiver import Receiver, Seen
from consumer.roles.role import Role

EVENTS_A_SECOND = 200
_WARM_UP_S = 3.0  # first connections, first view of each tenant


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1_000) // 1_000) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long each delivery took, in ms. So many events were `published`, and so many requests `came`."""

    took_ms: list[float]
    published: int
    came: int

    @property
    def strange_words(self) -> str | None:
        """Why they are not to be compared; None where each came once."""
        if self.came == self.published:
            return None
        return f"{self.published:,} events were published, {self.came:,} requests came: some were delayed or sent twice"


def measure(installation: Installation, load: Load, audience: Audience, receiver: Receiver, *, for_s: float) -> Latency:
    """The latency of each delivery that came, those while it warmed up left out.

    Raises:
        BenchError: not all was committed, or nothing came.
    """
    committed = installation.committed()
    with installation.running(Role.DELIVER, on=cores.UNDER_TEST):
        load.publish_paced(audience, a_second=EVENTS_A_SECOND, for_s=_WARM_UP_S)
        warm = int(EVENTS_A_SECOND * _WARM_UP_S)
        wait_until(lambda: installation.committed() - committed >= warm, within_s=20, what="the warm-up is delivered")
        load.publish_paced(audience, a_second=EVENTS_A_SECOND, for_s=for_s)
        total = warm + int(EVENTS_A_SECOND * for_s)
        wait_until(lambda: installation.committed() - committed >= total, within_s=20, what="all is delivered")
    seen = receiver.finish()
    took_ms = _latencies(seen, warm)
    if not took_ms:
        raise BenchError(f"{total} events were published, {len(seen.arrivals)} requests came")
    return Latency(took_ms=took_ms, published=total, came=len(seen.arrivals))


def _latencies(seen: Seen, warm: int) -> list[float]:
    in_order = sorted(seen.arrivals, key=lambda arrival: arrival.published_ns)
    return [arrival.latency_ms for arrival in in_order[warm:]]
