"""Every bug planted on purpose is found by the seed that is named for it, and by the law that it breaks."""

import pytest

from tests.simulation.planted import BUGS, DELIVERIES, planted
from tests.simulation.world import run


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_and_nothing_is_found_without_it(name: str) -> None:
    bug = BUGS[name]
    with planted(name):
        found = run(bug.seed, DELIVERIES)
    assert found.violation is not None
    assert found.violation.startswith(bug.rule)
    assert found.excerpt
    assert run(bug.seed, DELIVERIES).violation is None
