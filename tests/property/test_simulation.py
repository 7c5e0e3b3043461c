"""The short part of the simulator: `make simulate` runs thousands of seeds, this each that finds a planted bug.

The first seed of each keeps every law without it. That is told once for each seed, not once for each bug.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import structlog

from consumer.delivery.done_map import MOST
from tests.simulation.plan import plan
from tests.simulation.planted import BUGS, DELIVERIES
from tests.simulation.seeds import quietly
from tests.simulation.world import run

ROOT = Path(__file__).parents[2]
SEEDS = sorted({bug.seeds[0] for bug in BUGS.values()})


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The loop's log would fill the report of a failure."""
    before = structlog.get_config()
    quietly()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_promise_holds_whatever_happens(seed: int) -> None:
    verdict = run(seed, DELIVERIES)
    assert verdict.violation is None, "\n".join((str(verdict.violation), *verdict.excerpt))
    assert verdict.endings > DELIVERIES * 3 // 4
    assert verdict.promised > DELIVERIES // 2  # the rest is paused, deleted or changed meanwhile
    assert plan(seed, DELIVERIES).calm or verdict.faults.total() > 0


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_by_its_seeds_and_by_the_law_that_it_breaks(name: str) -> None:
    found = BUGS[name].found(partial(run, deliveries=DELIVERIES))
    assert found is not None, "no seed finds it: `python -m tests.simulation.finding` looks for others"
    assert found.excerpt
    assert found.seed in SEEDS or run(found.seed, DELIVERIES).violation is None


def test_every_kind_of_world_is_among_the_seeds() -> None:
    plans = [plan(seed, DELIVERIES) for seed in SEEDS]
    for kind in ("calm", "narrow", "ordered", "unreadable", "odd", "retention"):
        assert any(getattr(each, kind) for each in plans), kind
    assert any(each.map_most < MOST for each in plans)


def test_a_seed_is_the_same_history_again_whatever_the_hash_seed() -> None:
    """That of this process is another one each time."""
    seeds = {7: 150, 23: 300}
    code = f"from tests.simulation.world import run; print(*(run(*each).digest for each in {tuple(seeds.items())}))"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.splitlines()[-1].split() == [run(*each).digest for each in seeds.items()]
