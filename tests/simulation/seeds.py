"""Many seeds over the machine's cores, and what they came to.

The law: a seed's verdict does not depend on which process runs it, or on what ran there before.
"""

import itertools
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

import structlog

from tests.simulation.run import run
from tests.simulation.world import Verdict

_BATCH = 5


@dataclass(slots=True)
class Tally:
    """Everything so far."""

    began_s: float = field(default_factory=time.monotonic)
    seeds: int = 0
    promised: int = 0
    requests: int = 0
    endings: int = 0
    more: int = 0
    busy_s: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[Verdict] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        """One more seed."""
        self.seeds += 1
        self.promised += verdict.promised
        self.requests += verdict.requests
        self.endings += verdict.endings
        self.more += verdict.more
        self.faults += verdict.faults
        if verdict.violation is not None:
            self.broken.append(verdict)

    @property
    def took_s(self) -> float:
        """Since the first seed."""
        return time.monotonic() - self.began_s


def quietly() -> None:
    """The loop's log lines are not of interest here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def run_all(seeds: Iterable[int], deliveries: int, *, until: Callable[[Tally], bool]) -> Tally:
    """Run the seeds on every core, in order of their start, until there are none or `until` says so."""
    tally = Tally()
    cores = os.cpu_count() or 1
    batches = _batches(iter(seeds))
    with ProcessPoolExecutor(cores, initializer=quietly) as pool:
        waiting: set[Future[tuple[float, list[Verdict]]]] = set()
        for batch in itertools.islice(batches, 2 * cores):
            waiting.add(pool.submit(_run_batch, batch, deliveries))
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                busy_s, verdicts = future.result()
                tally.busy_s += busy_s
                for verdict in verdicts:
                    tally.add(verdict)
                if not until(tally):
                    waiting.update(pool.submit(_run_batch, more, deliveries) for more in itertools.islice(batches, 1))
    return tally


def _batches(seeds: Iterator[int]) -> Iterator[list[int]]:
    while batch := list(itertools.islice(seeds, _BATCH)):
        yield batch


def _run_batch(seeds: list[int], deliveries: int) -> tuple[float, list[Verdict]]:
    began_s = time.process_time()
    verdicts = [run(seed, deliveries) for seed in seeds]
    return time.process_time() - began_s, verdicts
