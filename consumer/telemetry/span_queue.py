"""What is traced, on its way to a collector: a queue and the thread that empties it.

The laws:
- whoever puts something in never waits, and nothing that happens to spans disturbs him: what the queue has no room for
  is dropped and counted, and so is what the collector does not take;
- the thread makes and sends at most `BATCH` each `EVERY_S`, however much is traced: it shares a core with deliveries;
- while nothing is traced the thread sleeps.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

import structlog

from consumer.telemetry.bugs import contain
from consumer.telemetry.counters import Counters, counters
from consumer.telemetry.outage import Outage
from consumer.telemetry.span import Span

_log = structlog.get_logger("traces")

T = TypeVar("T")

MOST: Final = 1_024
"""How many attempts may wait."""
BATCH: Final = 64
EVERY_S: Final = 0.25


class NotTaken(Exception):  # noqa: N818 # it names what happened, as the glossary does
    """The collector did not take the spans; the message says why, and holds nothing of them."""


class Exporter(Protocol):
    """What sends spans."""

    def export(self, spans: Sequence[Span]) -> None:
        """Blocks for a bounded time.

        Raises:
            NotTaken: the collector does not answer, or refuses them.
        """

    def close(self) -> None:
        """Ends an export that is under way, and sends no more. From any thread."""


class SpanQueue(Generic[T]):
    """`put` and `close` belong to one thread. `spans_of` makes the spans of what was put in."""

    def __init__(
        self,
        spans_of: Callable[[T], list[Span]],
        exporter: Exporter,
        *,
        every_s: float = EVERY_S,
        of: Counters = counters,
    ) -> None:
        self._spans_of = spans_of
        self._exporter = exporter
        self._every_s = every_s
        self._counters = of
        self._queue: deque[T] = deque()
        self._filled = threading.Event()
        self._ending = threading.Event()
        self._not_taken = Outage(_log, "traces not exported: deliveries go on without")
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def put(self, traced: Sequence[T]) -> None:
        """Take spans of attempts that have ended."""
        room = MOST - len(self._queue)
        if len(traced) > room:
            self._counters.add("traced", len(traced) - room, reason="full")
            traced = traced[:room]
        self._queue.extend(traced)
        self._filled.set()

    def close(self, within_s: float) -> None:
        """Send what is there, for so long at most."""
        self._ending.set()
        self._filled.set()
        self._thread.join(within_s)
        self._exporter.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._filled.wait()
            self._ending.wait(self._every_s)
            self._filled.clear()  # before anything is taken: what comes from here on is seen in the next turn
            self._send(self._taken())
            if self._queue:
                self._filled.set()
        while self._queue and not self._not_taken:
            self._send(self._taken())

    def _taken(self) -> list[T]:
        return [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]

    def _send(self, batch: list[T]) -> None:
        if not batch:
            return
        spans: list[Span] = []
        try:
            for each in batch:
                spans += self._spans_of(each)
            self._exporter.export(spans)
        except NotTaken as error:
            self._counters.add("traced", len(batch), reason="not_taken")
            self._not_taken.met(error=str(error))
        except Exception as error:  # noqa: BLE001 # contained: deliveries go on without traces
            contain("telemetry", error, part="traces")
        else:
            self._counters.add("traced", len(batch), reason="exported")
            self._not_taken.over()
