"""What every scenario stands on: an arena under steady load, and the figures that receipts give afterwards."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.deadline import until
from tests.acceptance.receipts import read_receipts
from tests.chaos import judgement
from tests.chaos.arena import PARTITIONS, Arena, Broker, arena, happening, is_finished, left_over, steady_hooks
from tests.chaos.faults import Happened, now_ms
from tests.chaos.judgement import Judgement
from tests.chaos.load import Load
from tests.chaos.recovery import recoveries, silences
from tests.chaos.report import Target
from tests.chaos.schedule import Kind
from tests.chaos.topics import read_log
from tests.chaos.watch import Watch


@dataclass(slots=True, kw_only=True)
class Scene:
    """An arena under load. The figures are there once the scene is over."""

    arena: Arena
    moments: list[Happened] = field(default_factory=list)
    judged: Judgement | None = None
    partition_of: Mapping[str, int] = field(default_factory=dict)
    published_ms: Mapping[str, int] = field(default_factory=dict)

    def moment(self, kind: Kind, at_ms: int | None = None) -> None:
        """From here (or then) on recovery is counted."""
        at_ms = at_ms or now_ms()
        self.moments.append(Happened(kind=kind, began_ms=at_ms, ended_ms=at_ms))

    @property
    def recovered_s(self) -> list[float]:
        """For each moment, after how many seconds every partition had delivered again."""
        found = recoveries(self.moments, self._by_event(), self.partition_of, PARTITIONS)
        return [each.after_ms / 1_000 if each.after_ms is not None else float("inf") for each in found]

    def silence_s(self, from_ms: int, until_ms: int) -> float:
        """The longest time in which nothing was accepted at all."""
        every = [at_ms for times in self._by_event().values() for at_ms in times]
        return silences(every, from_ms, until_ms) / 1_000

    def kept(self) -> list[Target]:
        """The promise, in two lines."""
        assert self.judged is not None
        broken = self.judged.verdict.broken()
        unsafe = len(self.judged.unsafe_commits)
        return [
            Target(name="promise", wanted="kept", found=broken or f"{self.judged.pairs:,} pairs", met=not broken),
            Target(name="commits past what was safe", wanted="0", found=str(unsafe), met=not unsafe),
        ]

    def duplicates(self, most: int | None = None) -> Target:
        """How many there were."""
        assert self.judged is not None
        number = self.judged.duplicates
        wanted = "told" if most is None else f"≤ {most:,}"
        return Target(name="duplicates", wanted=wanted, found=f"{number:,}", met=most is None or number <= most)

    def _by_event(self) -> dict[str, list[int]]:
        assert self.judged is not None
        found: dict[str, list[int]] = {}
        for (event, _), times in self.judged.arrivals.items():
            found.setdefault(event, []).extend(times)
        return found


@contextmanager
def scene(
    folder: Path,
    *,
    hosts: int,
    guests: int = 0,
    a_second: float = 75.0,
    options: Mapping[str, str] | None = None,
    kafka: Broker | None = None,
    replication: int = 1,
) -> Iterator[Scene]:
    """Under load until the block ends; then all is awaited and judged. Guests run from the beginning if there are."""
    with arena(folder, options=options, kafka=kafka, replication=replication) as built:
        built.hosts.processes, built.guests.processes = hosts, max(1, guests)
        built.subscribe(steady_hooks())
        started = [built.hosts.start(), *([built.guests.start()] if guests else [])]
        for running, number in zip(started, (hosts, guests), strict=False):
            running.assigned("deliver", times=number, within_s=60)
            running.assigned("retry", within_s=60)
        running = started[0]
        with under_load(built, a_second=a_second, missing=lambda: running.tail) as playing:
            yield playing
        for house in built.houses:
            house.stop()


@contextmanager
def under_load(built: Arena, *, a_second: float, missing: Callable[[], str]) -> Iterator[Scene]:
    """Events for the steady webhooks until the block ends; then all is awaited and judged.

    `missing` says what to look at where the end does not come.
    """
    load = Load(
        built.kafka.bootstrap, built.stage.event_topic, built.folder / "load.ledger",
        partitions=PARTITIONS, make=happening,
    )  # fmt: skip
    watch, stop_load, stop_watch = Watch(built), threading.Event(), threading.Event()
    playing = Scene(arena=built)
    with ThreadPoolExecutor(2) as threads:
        loading = threads.submit(load.run, stop_load, a_second=a_second)
        watching = threads.submit(watch.run, stop_watch)
        try:
            yield playing
        finally:
            stop_load.set()
        try:
            loading.result()
            until(
                lambda: is_finished(built),
                within_s=150,
                every_s=1.0,
                missing=lambda: f"not committed: {left_over(built)}\n{missing()}",
            )
        finally:
            stop_watch.set()
        watching.result()
    log = read_log(built.stage)
    receipts = [receipt for each in built.customers.values() for receipt in read_receipts(each.log)]
    playing.judged = judgement.decide(
        log, receipts, ledger=load.ledger, hooks=steady_hooks(), stories={}, commits=watch.committed
    )
    playing.partition_of = {event.webhook_id: event.partition for event in log.events}
    playing.published_ms = {event.webhook_id: event.time_ms for event in log.events}
