"""Seeds of capacity: a few of them keep every law, and each bug planted on purpose is found by its seed."""

from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.capacity.planted import BUGS, NEVER_FULL
from tests.simulation.capacity.run import run_case
from tests.simulation.capacity.seeds import DELIVERIES, case_of
from tests.simulation.capacity.table import CASES
from tests.simulation.planted import planting
from tests.simulation.seeds import quietly


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    quietly()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("seed", [19, 69, 99, 109])
def test_the_laws_of_capacity_hold(seed: int) -> None:
    verdict, _ = run_case(case_of(seed, DELIVERIES), seed)
    assert verdict.violation is None, "\n".join((str(verdict.violation), *verdict.excerpt))
    assert verdict.endings > DELIVERIES // 2


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_and_nothing_is_found_without_it(name: str) -> None:
    bug = BUGS[name]
    with planting(bug):
        found, _ = run_case(case_of(bug.seed, DELIVERIES), bug.seed)
    assert found.violation is not None
    assert found.violation.startswith(bug.rule)
    verdict, _ = run_case(case_of(bug.seed, DELIVERIES), bug.seed)
    assert verdict.violation is None


def test_a_hold_that_is_never_full_is_found_where_there_is_much_to_hold() -> None:
    with planting(NEVER_FULL):
        found, _ = run_case(CASES["large"])
    assert found.violation is not None
    assert found.violation.startswith(NEVER_FULL.rule)
    verdict, _ = run_case(CASES["large"])
    assert verdict.violation is None
