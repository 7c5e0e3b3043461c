"""One run: all pods, events at a steady pace, one deployment after the other, the end of everything, judgement."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumer.kafka.provenance import told_apart
from consumer.kafka.reading import read_to_end
from tests.chaos.arena import Arena, arena, steady_hooks
from tests.chaos.beside import bugs, p99
from tests.chaos.report import Target
from tests.chaos.rolling.pods import NotReady, Replaced
from tests.chaos.rolling.samples import Age, Samples
from tests.chaos.rolling.versions import Version
from tests.chaos.rolling.workloads import Workloads, turns
from tests.chaos.scenarios.scene import Scene, under_load

EVENTS_A_SECOND: Final = 75.0
OLDEST_S: Final = 10.0
_DUPLICATES_MOST: Final = 0.001
_LEAD_S: Final = 5.0
_APART_S: Final = 2.0
_WELL: Final = ("north-", "south-")
_SHOWN: Final = 5
_TAIL_CHARS: Final = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run and what came of it."""

    deployed: Sequence[str]
    """The version of each deployment."""
    replaced: Sequence[Replaced]
    ages: Sequence[Age]
    fired: Sequence[str] | None
    scene: Scene
    poison: Counter[str]
    bugs: int
    exits: Sequence[int]
    stuck: str
    """Which pod did not become ready, "" where all did."""


def run(
    folder: Path,
    here: Version,
    base: Version | None = None,
    *,
    length_s: float,
    deployments: int = 1,
    a_second: float = EVENTS_A_SECOND,
    static: bool = True,
) -> Outcome:
    """Deploy for `length_s` seconds, at least so often, and judge. With a base all begins with that version.

    Raises:
        AssertionError: something did not come to an end.
        NotReady: not even the first pods became ready.
    """
    with arena(folder) as built:
        workloads = Workloads(built.stage, static=static)
        samples = Samples(workloads, folder)
        stop = threading.Event()
        try:
            built.subscribe(steady_hooks())
            workloads.install(base or here)
            with (
                ThreadPoolExecutor(1) as threads,
                under_load(built, a_second=a_second, missing=lambda: tails(folder)) as playing,
            ):
                watching = threads.submit(samples.run, stop)
                try:
                    deployed, stuck = _deploy(workloads, turns(base, here), length_s, deployments)
                finally:
                    stop.set()
                watching.result()
            fired = samples.fired()
            exits = [*(each.exit_code for each in workloads.replaced), *workloads.stop()]
        finally:
            workloads.close()
            samples.close()
        return Outcome(
            deployed=deployed,
            replaced=workloads.replaced,
            ages=samples.ages,
            fired=fired,
            scene=playing,
            poison=_poison(built),
            bugs=bugs(folder),
            exits=exits,
            stuck=stuck,
        )


def _deploy(
    workloads: Workloads, versions: Iterator[Version], length_s: float, deployments: int
) -> tuple[list[str], str]:
    """Roll and roll; the versions that were deployed, and what stopped it, "" where nothing did."""
    deployed: list[str] = []
    until_s = time.monotonic() + length_s
    time.sleep(_LEAD_S)
    try:
        while len(deployed) < deployments or time.monotonic() < until_s:
            version = next(versions)
            deployed.append(version.name)
            workloads.roll(version)
            time.sleep(_APART_S)
    except NotReady as error:
        return deployed, str(error)
    return deployed, ""


def _poison(built: Arena) -> Counter[str]:
    """How many records are poison, by where they came from and why."""
    found: Counter[str] = Counter()
    for record in read_to_end(built.settings, built.stage.topics.poison):
        origin, _ = told_apart(record.headers)
        found["unknown" if origin is None else f"{origin.topic} {origin.reason}"] += 1
    return found


def tails(folder: Path) -> str:
    """The ends of the logs of the pods that came last, for a person."""
    logs = sorted(folder.glob("hookline-*.log"), key=lambda path: path.stat().st_mtime)[-_SHOWN:]
    return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-_TAIL_CHARS:]}" for path in logs)


def targets(outcome: Outcome) -> list[Target]:
    """What was wanted, and what came. Pure."""
    judged = outcome.scene.judged
    assert judged is not None
    oldest = max(outcome.ages, key=lambda each: each.seconds, default=None)
    oldest_s = 0.0 if oldest is None else oldest.seconds
    share = judged.duplicates / max(1, judged.pairs)
    waits = first_waits_ms(outcome.scene)
    took = sorted(each.took_s for each in outcome.replaced)
    codes = Counter(outcome.exits)
    found = [
        Target(name="deployments", wanted="told", found=counted(Counter(outcome.deployed)), met=True),
        Target(
            name="pods replaced",
            wanted="all ready",
            found=outcome.stuck or f"{len(took)}, the slowest in {max(took, default=0):.1f} s",
            met=not outcome.stuck,
        ),
        *outcome.scene.kept(),
        Target(name="poison", wanted="0", found=counted(outcome.poison), met=not outcome.poison),
        Target(name="bugs that a process met", wanted="0", found=str(outcome.bugs), met=not outcome.bugs),
        Target(
            name="duplicates of pairs",
            wanted="< 0.1 %",
            found=f"{share:.3%} ({judged.duplicates:,})",
            met=share < _DUPLICATES_MOST,
        ),
        Target(
            name="oldest event, by the metrics",
            wanted=f"≤ {OLDEST_S:g} s",
            found=f"{oldest_s:.1f} s" + ("" if oldest is None else f" in {oldest.pod}, of {len(outcome.ages):,} looks"),
            met=oldest is not None and oldest_s <= OLDEST_S,
        ),
        Target(
            name="first deliveries of well webhooks",
            wanted="told",
            found=f"p99 {p99(waits):,} ms, the slowest {max(waits, default=0):,} ms",
            met=True,
        ),
        Target(name="exit codes", wanted="0", found=counted(codes), met=set(codes) == {0}),
    ]
    if outcome.fired is not None:
        fired = ", ".join(outcome.fired) or "none"
        found.append(Target(name="alerts that fired", wanted="none", found=fired, met=not outcome.fired))
    return found


def first_waits_ms(scene: Scene) -> list[int]:
    """How long after its publication each event was accepted by each well webhook. Pure."""
    assert scene.judged is not None
    return [
        times[0] - scene.published_ms[event]
        for (event, webhook), times in scene.judged.arrivals.items()
        if webhook.startswith(_WELL) and event in scene.published_ms
    ]


def counted(counts: Counter[str] | Counter[int]) -> str:
    """For a person."""
    return ", ".join(f"{name} {number:,}" for name, number in counts.most_common()) or "none"
