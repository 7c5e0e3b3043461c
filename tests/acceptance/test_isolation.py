"""Twenty webhooks accept every request and never answer; the other hundred and eighty must not notice.

How long the healthy ones wait is measured by `python -m bench.isolation`, on a machine of its own. Here is what holds
at any speed.
"""

from pathlib import Path

import pytest

from bench.installation import Installation
from bench.isolation import measure
from bench.rounds import LEAST_THROUGHPUT
from bench.trouble import TROUBLED, Trouble

FOR_S = 12.0  # longer than the timeout of 10 s: a shared pool of slots would have been full, and everybody waiting
STALLED_SHARE = 0.005
FIRST_OF_A_LANE = 8  # requests that an endpoint never heard of gets at once, in each of the two pools


@pytest.mark.serial
@pytest.mark.parametrize("trouble", [Trouble.OWN_ORIGINS, Trouble.SHARED_ORIGIN])
def test_the_healthy_ones_do_not_notice_those_that_hang(
    tmp_path: Path, kafka_bootstrap: str, redis_url: str, topic_prefix: str, trouble: Trouble
) -> None:
    installation = Installation(folder=tmp_path, bootstrap=kafka_bootstrap, redis_url=redis_url, prefix=topic_prefix)
    run = measure(installation, trouble, for_s=FOR_S, warm_up_s=5)

    assert run.healthy_share >= LEAST_THROUGHPUT
    # A machine that stalls may cost one of them a detour; what hangs must cost none.
    assert run.delayed_of_healthy <= STALLED_SHARE * run.healthy_per_s * FOR_S
    assert run.delayed_of_troubled > 0
    assert run.hanging_most >= TROUBLED
    assert run.hanging_most_of_one <= 2 * FIRST_OF_A_LANE
