"""One chaos run: begin, faults under load, calm, the end of everything, judgement."""

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.acceptance.deadline import until
from tests.acceptance.happenings import Hook
from tests.acceptance.ledger import Pair
from tests.acceptance.receipts import ROOT, Receipt, read_receipts
from tests.chaos import judgement, leaks
from tests.chaos.arena import PARTITIONS, PYTHON, Arena, arena, happening, is_finished, left_over, steady_hooks
from tests.chaos.beside import Beside, Span, Waits, bugs, compared
from tests.chaos.changes import Changes
from tests.chaos.faults import Faults, Happened, now_ms
from tests.chaos.jobs import Jobs, jobs_of
from tests.chaos.judgement import Judgement
from tests.chaos.listed import Listed, Made, Told, listed, made_of, told
from tests.chaos.load import Ledger, Load
from tests.chaos.recovery import Cause, Recovery, explained, recoveries
from tests.chaos.schedule import plan
from tests.chaos.sent_again import SentAgain, sent_again
from tests.chaos.topics import read_generations, read_log
from tests.chaos.unreadable import read_spells
from tests.chaos.watch import Held, Watch
from tests.spent import Spent

EVENTS_A_SECOND: Final = 75.0  # about 3.3 pairs each
_CALM_S: Final = 12.0
_COMPARED_SHARE: Final = 6.0  # of the length, twice
_COMPARED_MOST_S: Final = 120.0
_LEAD_S: Final = 3.0
_END_WITHIN_S: Final = 200.0
_END_SHARE: Final = 0.1  # of the run: a job looks through all that was logged since its time, an emptied index too
_LISTED_WITHIN_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run and what came of it."""

    seed: int
    length_s: float
    ledger: Ledger
    faults: Sequence[Happened]
    exits: Sequence[int]
    changes: Counter[str]
    judgement: Judgement
    recoveries: Sequence[Recovery]
    causes: Sequence[Cause]
    unexplained: int
    both: Sequence[Cause]
    both_unexplained: Sequence[Pair]
    leaked: Sequence[str]
    held: Sequence[Held]
    spent: Sequence[Spent]
    calm_ms: int
    waits: Waits
    bugs: int
    again: SentAgain
    listed: Listed
    told: Told
    receipts: int
    dead_letters: Counter[str]


def run(
    folder: Path, *, seed: int, length_s: float, a_second: float = EVENTS_A_SECOND, bug: str | None = None
) -> Outcome:
    """Let it happen for `length_s` seconds, and judge. `bug` is planted in every process of Hookline.

    Raises:
        AssertionError: something did not come to an end.
    """
    with arena(folder, bug=bug) as built:
        return _run(built, seed=seed, length_s=length_s, a_second=a_second)


def _run(built: Arena, *, seed: int, length_s: float, a_second: float) -> Outcome:
    hooks = steady_hooks()
    built.subscribe(hooks)
    beside = Beside(built, seed, PYTHON, {**os.environ, "PYTHONPATH": str(ROOT)})
    faults, watch = Faults(built), Watch(built)
    changes = Changes(built, faults, seed)
    load = Load(
        built.kafka.bootstrap, built.stage.event_topic, built.folder / "load.ledger",
        partitions=PARTITIONS, make=happening,
    )  # fmt: skip
    jobs = Jobs(built, lambda: load.ledger.intended, seed)
    began = built.hosts.start()
    began.assigned("deliver", times=built.hosts.processes, within_s=60)
    stop_changes, stop_load, stop_watch, stop_faults = (threading.Event() for _ in range(4))
    with ThreadPoolExecutor(4) as threads:
        loading = threads.submit(load.run, stop_load, a_second=a_second)
        others: list[Future[None]] = [
            threads.submit(changes.run, stop_changes, every_s=5.0),
            threads.submit(jobs.run, stop_changes, every_s=2.0),
        ]
        watching = threads.submit(watch.run, stop_watch)
        try:
            time.sleep(_LEAD_S)
            spans = beside.compare(min(_COMPARED_MOST_S, length_s / _COMPARED_SHARE))
            faults.run(plan(seed, length_s), stop_faults)
            stop_changes.set()
            for each in others:
                each.result()
            calm_ms = now_ms()
            jobs.end(within_s=_END_WITHIN_S + length_s * _END_SHARE)
            time.sleep(max(0.0, _CALM_S - (now_ms() - calm_ms) / 1_000))
            watch.look_at_processes()
            beside.end()
            stop_load.set()
            loading.result()
            _await_end(built)
            made, index = _await_listed(built, within_s=_LISTED_WITHIN_S + length_s * _END_SHARE)
        finally:  # what none of them is told to stop would be waited for without end
            for stop in (stop_changes, stop_load, stop_watch):
                stop.set()
        watching.result()
    found_leaks = leaks.leaks(built)
    assert built.hosts.stop() == 0
    seen = _Seen(
        ledger=load.ledger,
        faults=faults,
        watch=watch,
        changes=changes,
        hooks=jobs.hooks,
        calm_ms=calm_ms,
        leaked=found_leaks,
        made=made,
        listed=index,
        spans=spans,
    )
    return _judged(built, seen, seed=seed, length_s=length_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the run's parts noted."""

    ledger: Ledger
    faults: Faults
    watch: Watch
    changes: Changes
    hooks: Mapping[str, Hook]
    """Those that were made for recoveries."""
    calm_ms: int
    leaked: Sequence[str]
    made: Sequence[Made]
    listed: Listed
    spans: tuple[Span, Span]
    """The times without the hostile and beside them."""


def _judged(built: Arena, seen: _Seen, *, seed: int, length_s: float) -> Outcome:
    log = read_log(built.stage)
    receipts: list[Receipt] = [receipt for each in built.customers.values() for receipt in read_receipts(each.log)]
    again = sent_again(log.events, seen.hooks, jobs_of(built.stage), log.again, read_generations(built.stage))
    judged = judgement.decide(
        log,
        receipts,
        ledger=seen.ledger,
        hooks=steady_hooks(),
        stories=seen.changes.stories,
        commits=seen.watch.committed,
        again=again,
        unreadable=read_spells(built.folder),
    )
    by_event: dict[str, list[int]] = {}
    for pair, times in judged.arrivals.items():
        if not again.made[pair]:  # what is sent again tells nothing of a partition of the event topic
            by_event.setdefault(pair[0], []).extend(times)
    partition_of = {event.webhook_id: event.partition for event in log.events}
    happened = sorted(seen.faults.happened, key=lambda each: each.began_ms)
    causes, unexplained = explained(judged.verdict.duplicates, judged.requests, happened)
    both, both_unexplained = explained(judged.moments, judged.moments, happened)
    return Outcome(
        seed=seed,
        length_s=length_s,
        ledger=seen.ledger,
        faults=happened,
        exits=seen.faults.exits,
        changes=Counter(seen.changes.made),
        judgement=judged,
        recoveries=recoveries(happened, by_event, partition_of, PARTITIONS),
        causes=causes,
        unexplained=len(unexplained),
        both=both,
        both_unexplained=both_unexplained,
        leaked=seen.leaked,
        held=seen.watch.held,
        spent=seen.watch.spent,
        calm_ms=seen.calm_ms,
        waits=compared(log.events, judged.arrivals, *seen.spans),
        bugs=bugs(built.folder),
        again=again,
        listed=seen.listed,
        told=told(seen.made, receipts, judged.unchanged | set(again.owed), {each.pair for each in log.buried}),
        receipts=len(receipts),
        dead_letters=Counter(each.reason for each in log.buried),
    )


def _await_listed(built: Arena, within_s: float) -> tuple[list[Made], Listed]:
    """Until the index lists what the topic has; after that time, however it differs."""
    until_s = time.monotonic() + within_s
    while True:
        made = made_of(built.settings)
        found = listed(built.settings, made)
        if found.agrees or time.monotonic() > until_s:
            return made, found
        time.sleep(1.0)


def _await_end(built: Arena) -> None:
    """Until everything consumed is committed, and stays so."""
    running = built.hosts.running
    assert running is not None
    for _ in range(2):
        until(
            lambda: is_finished(built),
            within_s=_END_WITHIN_S,
            every_s=1.0,
            missing=lambda: f"not committed: {left_over(built)}\n{running.tail}",
        )
        time.sleep(1.0)
