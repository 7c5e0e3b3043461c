"""The simulator's judge of lateness: an endpoint is idle although something waits, and has not asked to be."""

import pytest

from tests.simulation.capacity.case import Case, Endpoint, Flow, Webhook
from tests.simulation.capacity.laws import IDLE_MOST_MS, CapacityLaws
from tests.simulation.checker import Violation
from tests.simulation.ledger import Pair, Published
from tests.simulation.timeline import START_MS

ASKS_S = 30


def refused(endpoint: Endpoint) -> CapacityLaws:
    """Two events, of which the first was just refused."""
    webhook = Webhook(flows=(Flow(count=2),), endpoint=endpoint)
    laws = CapacityLaws(Case(name="one", webhooks=(webhook,)))
    for number in range(2):
        made = Published(
            id=f"evt_{number}", type="a", tenant="t", product=None, kind="a", data=b"{}", at_ms=START_MS
        )  # fmt: skip
        laws.published("wh_0", made)
        if number == 0:
            laws.sent(START_MS, Pair(event=made, webhook="wh_0"))
            laws.returned(START_MS, Pair(event=made, webhook="wh_0"), accepted=False)
    return laws


def test_who_is_not_sent_what_waits_is_late() -> None:
    laws = refused(Endpoint(takes_ms=40, rate_per_s=2.0))
    laws.look(START_MS + IDLE_MOST_MS)
    with pytest.raises(Violation, match="lateness: 1 wait for wh_0"):
        laws.look(START_MS + IDLE_MOST_MS + 1)


def test_an_endpoint_that_refused_is_left_alone_for_as_long_as_it_asked_and_no_longer() -> None:
    laws = refused(Endpoint(takes_ms=40, rate_per_s=2.0, asks_s=ASKS_S))
    laws.look(START_MS + ASKS_S * 1_000 + IDLE_MOST_MS)
    with pytest.raises(Violation, match="lateness"):
        laws.look(START_MS + ASKS_S * 1_000 + IDLE_MOST_MS + 1)
