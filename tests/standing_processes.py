"""Processes that report of one webhook, and what each of them was answered."""

from dataclasses import dataclass, field, replace

from consumer.delivery.exchange import exchange
from consumer.delivery.standing import Report, Standing
from consumer.delivery.state import State

BEGAN_MS = 1_700_000_000_000.0


@dataclass(slots=True)
class Process:
    """One that does what it may: it uses permits at their time and never has more under way than it has places."""

    name: str
    heard: int = 0
    flying: int = 0
    places: int | None = 0
    slots: int = 0
    slots_heard: int = 0
    waits: int = 0
    waits_heard: int = 0
    times_ms: list[float] = field(default_factory=list)

    def report(self, now_ms: float, **facts: object) -> Report:
        """What it tells now."""
        report = Report(
            subscription_id="sub_1",
            tenant="tenant_1",
            heard=self.heard,
            permits=sum(1 for each in self.times_ms if each >= now_ms),
            flying=self.flying,
            places=self.places or 0,
            slots=self.slots,
            slots_heard=self.slots_heard,
            waits=self.waits,
            waits_heard=self.waits_heard,
        )
        return replace(report, **facts)  # type: ignore[arg-type] # any of its fields

    def hear(self, report: Report, standing: Standing, now_ms: float) -> None:
        """Its answer."""
        self.heard = standing.number
        self.places = standing.places
        self.slots_heard = report.slots
        self.waits_heard = report.waits
        if standing.permits is not None:
            gap_ms = standing.permits.gap_ms
            first_ms = now_ms + standing.permits.first_ms
            self.times_ms += [first_ms + index * gap_ms for index in range(standing.permits.number)]


def fleet(number: int) -> list[Process]:
    return [Process(f"process-{index}") for index in range(number)]


def ask(state: State, process: Process, now_ms: float, **facts: object) -> tuple[State, Standing]:
    report = process.report(now_ms, **facts)
    state, standing = exchange(state, process.name, report, now_ms)
    process.hear(report, standing, now_ms)
    return state, standing


def ask_in_vain(state: State, process: Process, now_ms: float, **facts: object) -> tuple[State, Standing]:
    """The answer is lost."""
    return exchange(state, process.name, process.report(now_ms, **facts), now_ms)
