"""Seeds of capacity: each that finds a planted bug keeps every law without it. That is told once for each seed."""

from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.capacity.planted import BUGS, MUCH_TO_HOLD, NEVER_FULL
from tests.simulation.capacity.run import run_case
from tests.simulation.capacity.seeds import DELIVERIES, case_of
from tests.simulation.planted import planting
from tests.simulation.seeds import quietly

SEEDS = sorted({bug.seed for bug in BUGS.values()})


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    quietly()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_laws_of_capacity_hold(seed: int) -> None:
    verdict, _ = run_case(case_of(seed, DELIVERIES), seed)
    assert verdict.violation is None, "\n".join((str(verdict.violation), *verdict.excerpt))
    assert verdict.endings > DELIVERIES // 2


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_by_its_seed_and_by_the_law_that_it_breaks(name: str) -> None:
    bug = BUGS[name]
    with planting(bug):
        found, _ = run_case(case_of(bug.seed, DELIVERIES), bug.seed)
    assert found.violation is not None
    assert found.violation.startswith(bug.rule)


def test_a_hold_that_is_never_full_is_found_where_there_is_much_to_hold() -> None:
    verdict, _ = run_case(MUCH_TO_HOLD)
    assert verdict.violation is None
    with planting(NEVER_FULL):
        found, _ = run_case(MUCH_TO_HOLD)
    assert found.violation is not None
    assert found.violation.startswith(NEVER_FULL.rule)
