"""Deliveries per second of webhooks with `ordering: key`, of one deliver and one retry process that share a core.

Deliver sends those of one key one after the other. What it lines up in the ordered topic retry sends from there.

The law: as in `throughput`, no figure without proof. Every delivery came exactly once, its attempt is on its topic, and
every event is committed.
"""

import time
from contextlib import ExitStack
from typing import Final

from bench import cores
from bench.audience import Audience
from bench.installation import BenchError, Installation, wait_until
from bench.load import Load
from bench.sink import Sink
from consumer.roles.role import Role

KEYS: Final = 10_000

_LOOK_EVERY_S: Final = 0.02
_STALLED_S: Final = 30.0
_RECORDED_S: Final = 30.0


def measure(installation: Installation, load: Load, audience: Audience, sink: Sink, *, events: int) -> float:
    """Publish the backlog, then start both processes and measure from the first to the last delivery at the sink.

    Raises:
        BenchError: it stalled, or not all was delivered once, logged and committed.
    """
    load.publish(audience, events)
    logged, committed, received = installation.attempts(), installation.committed(), sink.received()
    with ExitStack() as running:
        running.enter_context(installation.running(Role.RETRY, on=cores.UNDER_TEST))
        running.enter_context(installation.running(Role.DELIVER, on=cores.UNDER_TEST))
        _await_deliveries(sink, received + 1)
        began_s = time.monotonic()
        _await_deliveries(sink, received + events)
        seconds = time.monotonic() - began_s
        wait_until(
            lambda: installation.committed() - committed >= events and installation.attempts() - logged >= events,
            within_s=_RECORDED_S,
            what="all is logged and committed",
        )
    came = sink.received() - received
    if came != events or installation.attempts() - logged != events:
        raise BenchError(f"{events:,} events were published, {came:,} requests came: some twice, or retried")
    return events / seconds


def _await_deliveries(sink: Sink, wanted: int) -> None:
    moved_s, last = time.monotonic(), -1
    while (received := sink.received()) < wanted:
        if received > last:
            moved_s, last = time.monotonic(), received
        elif time.monotonic() - moved_s > _STALLED_S:
            raise BenchError(f"stalled: {wanted - received:,} deliveries are missing")
        time.sleep(_LOOK_EVERY_S)
