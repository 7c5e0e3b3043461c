"""What this process tells its supervisor, once a second, from the turns of its own loop.

The laws:
- only the loop tells: a loop that hangs falls silent, and its supervisor sees that;
- nobody is ever waited for: what the pipe does not take now goes with a later turn, and a snapshot that would come on
  top of an unsent one is left out;
- without a supervisor that listens nothing is gathered, and a turn costs one comparison;
- what goes wrong while something is gathered is told as a bug, and that part is asked no more: deliveries go on.
"""

import os
import time
from collections.abc import Callable
from typing import Final, TypeAlias

from consumer.telemetry.buckets import Buckets
from consumer.telemetry.bugs import contain
from consumer.telemetry.catalogue import TURN_S
from consumer.telemetry.counted import counted
from consumer.telemetry.counters import Counters, counters
from consumer.telemetry.distributions import Distributions, distributions
from consumer.telemetry.outage import lasting
from consumer.telemetry.process_figures import tell_process
from consumer.telemetry.snapshot import Reading, framed

Source: TypeAlias = Callable[[Reading], None]

EVERY_S: Final = 1.0
RESTS_S: Final = EVERY_S + 0.01
"""How long a loop may wait that has nothing to do: each of its turns then tells."""
STARTING: Final = "it is starting"
STOPPING: Final = "it is stopping"
KAFKA_AWAY: Final = "Kafka does not answer"


class Pulse:
    """Owned by the thread of the loop."""

    def __init__(
        self,
        of: Counters = counters,
        took: Distributions = distributions,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counters = of
        self._took = took
        self._monotonic_s = monotonic_s
        self._pipe: int | None = None
        self._role = ""
        self._sources: dict[str, Source] = {"process": tell_process}
        self._unsent = b""
        self._turned_s = self._due_s = 0.0
        self._turns = Buckets(TURN_S)
        self.lacks: tuple[str, ...] = (STARTING,)
        """Why this process is not ready, in words that follow its name; nothing when it is."""

    def open(self, pipe: int, role: str) -> None:
        """From here on the supervisor at the other end of this pipe is told."""
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._role = role
        self._turned_s = self._monotonic_s()
        self.beat()

    def ask(self, name: str, source: Source) -> None:
        """Have this part of the process tell what it knows, in place of a former one of this name."""
        self._sources[name] = source

    def forget(self, name: str) -> None:
        """Ask this part no more."""
        self._sources.pop(name, None)

    def beat(self) -> None:
        """A turn of the loop has come to its end."""
        if self._pipe is None:
            return
        now_s = self._monotonic_s()
        self._turns.observe(now_s - self._turned_s)
        self._turned_s = now_s
        if self._unsent:
            self._send(self._pipe, self._unsent)
        if now_s >= self._due_s:
            self._due_s = now_s + EVERY_S
            if not self._unsent:
                self._send(self._pipe, framed(self._gathered().snapshot(self.lacks)))

    def _gathered(self) -> Reading:
        reading = Reading(self._role)
        for name, number in self._counters.snapshot().items():
            if (metric := counted(name)) is not None:
                reading.more(metric[0], number, *metric[1])
        for (name, labels), buckets in self._took.snapshot().items():
            reading.histogram(name, buckets, *labels)
        reading.histogram("hookline_loop_turn_seconds", self._turns)
        for what, seconds in lasting().items():
            reading.value("hookline_outage_seconds", seconds, what)
        for name, source in list(self._sources.items()):
            try:
                source(reading)
            except Exception as error:  # noqa: BLE001 # contained, see the law
                del self._sources[name]
                contain("telemetry", error, part=name)
        return reading

    def _send(self, pipe: int, framed_: bytes) -> None:
        try:
            sent = os.write(pipe, framed_)
        except BlockingIOError:
            sent = 0
        except BrokenPipeError:  # the supervisor is gone, and this process ends with it
            self._pipe = None
            return
        self._unsent = framed_[sent:]


pulse = Pulse()
"""The process's own."""
