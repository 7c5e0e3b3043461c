"""One case, or one seed of capacity, from its beginning to its end."""

import tempfile
from dataclasses import replace
from pathlib import Path

from consumer.delivery.budget import DEFAULT as DEFAULT_BUDGET
from consumer.delivery.budget import PROGRAM_BYTES, Budget
from tests.simulation.capacity.case import Case
from tests.simulation.capacity.customers import CaseCustomers
from tests.simulation.capacity.hosts import CaseHosts
from tests.simulation.capacity.laws import CapacityLaws
from tests.simulation.plan import DEFAULT, Plan, plan
from tests.simulation.world import Scene, Verdict, World


def plan_of(case: Case, seed: int) -> Plan:
    """The plan of a case: the settings' defaults, clocks and brokers that agree, no fault but those it names."""
    budget = DEFAULT_BUDGET if case.memory_bytes is None else Budget.of(PROGRAM_BYTES + case.memory_bytes, 65_536)
    return replace(
        plan(seed, case.deliveries),
        calm=case.faults == 0,
        schedule=DEFAULT,
        tenants=len(case.webhooks),
        webhooks=len(case.webhooks),
        partitions=case.partitions,
        processes=case.processes,
        fan_out=256,
        in_flight=case.in_flight,
        lane_concurrency=case.lane_concurrency,
        turn_ms=case.turn_ms,
        tenant_us=case.tenants_us,
        budget=budget,
        held_bytes=budget.held,
        narrow=False,
        ordered=False,
        faults=case.faults,
        faults_for_ms=case.faults_for_ms,
        unanswered=0.0,
        retention=False,
        deadly=False,
        odd=False,
        unreadable=False,
    )


def run_case(case: Case, seed: int = 0, *, strict: bool = True) -> tuple[Verdict, CapacityLaws]:
    """Run it; `strict` is False where only figures are wanted."""
    laws = CapacityLaws(case, strict=strict)
    scene = Scene(
        endpoints=lambda _, timeline: CaseHosts(case, timeline),
        customers=lambda world: CaseCustomers(world, case),
        laws=lambda: laws,
    )
    with tempfile.TemporaryDirectory() as folder:
        world = World(plan_of(case, seed), Path(folder), scene)
        try:
            return world.run(), laws
        finally:
            world.close()
