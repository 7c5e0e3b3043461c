"""The short part of the simulator: `make simulate` runs thousands of seeds, this a few of each kind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.simulation.plan import plan
from tests.simulation.run import is_of_capacity
from tests.simulation.seeds import quietly
from tests.simulation.world import run

ROOT = Path(__file__).parents[2]
DELIVERIES = 200


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The loop's log would fill the report of a failure."""
    before = structlog.get_config()
    quietly()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("first", range(0, 24, 8))
def test_the_promise_holds_whatever_happens(first: int) -> None:
    for seed in range(first, first + 8):
        if is_of_capacity(seed):
            continue  # test_simulation_capacity.py
        verdict = run(seed, DELIVERIES)
        assert verdict.violation is None, "\n".join((str(verdict.violation), *verdict.excerpt))
        assert verdict.endings > DELIVERIES * 3 // 4
        assert verdict.promised > DELIVERIES // 2  # the rest is paused, deleted or changed meanwhile
        assert plan(seed, DELIVERIES).calm or verdict.faults.total() > 0


@pytest.mark.parametrize(("seed", "deliveries"), [(7, 150), (23, 500)])
def test_a_seed_is_the_same_history_again_whatever_the_hash_seed(seed: int, deliveries: int) -> None:
    code = f"from tests.simulation.world import run; print(run({seed}, {deliveries}).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()[-1]
        for hash_seed in ("1", "2", "3")
    }
    assert digests == {run(seed, deliveries).digest}
