"""Seeds of capacity: the first that finds a planted bug keeps every law without it. That is told once for each seed."""

from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.capacity.case import Case
from tests.simulation.capacity.planted import BUGS, MORE_THAN_IT_TAKES, MUCH_TO_HOLD, NEVER_FULL, NOTHING_SPACED
from tests.simulation.capacity.run import run_case
from tests.simulation.capacity.seeds import DELIVERIES, case_of
from tests.simulation.planted import Bug, planting
from tests.simulation.seeds import quietly
from tests.simulation.world import Verdict

SEEDS = sorted({bug.seeds[0] for bug in BUGS.values()})


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    quietly()
    yield
    structlog.configure(**before)


def verdict_of(seed: int) -> Verdict:
    return run_case(case_of(seed, DELIVERIES), seed)[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_laws_of_capacity_hold(seed: int) -> None:
    verdict = verdict_of(seed)
    assert verdict.violation is None, "\n".join((str(verdict.violation), *verdict.excerpt))
    assert verdict.endings > DELIVERIES // 2


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_by_its_seeds_and_by_the_law_that_it_breaks(name: str) -> None:
    found = BUGS[name].found(verdict_of)
    assert found is not None, "no seed finds it: `python -m tests.simulation.finding` looks for others"
    assert found.seed in SEEDS or verdict_of(found.seed).violation is None


@pytest.mark.parametrize(("bug", "case"), [(NEVER_FULL, MUCH_TO_HOLD), (NOTHING_SPACED, MORE_THAN_IT_TAKES)])
def test_a_planted_bug_is_found_by_a_case_of_its_own(bug: Bug, case: Case) -> None:
    verdict, _ = run_case(case)
    assert verdict.violation is None
    with planting(bug):
        found, _ = run_case(case)
    assert bug.is_told_by(found)
