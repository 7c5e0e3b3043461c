"""Many cases of the law, the same for the same seed."""

from collections.abc import Callable
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from consumer.events.event import Event
from tests.hostile.answers import Played
from tests.hostile.endpoint import HostileEndpoint
from tests.hostile.events import accepted
from tests.hostile.law import BATCH, Report, cases, judge

_DRAWN_AT_ONCE: Final = 1_000


def run(wanted: int, number: int, *, begin: int = 0, say: Callable[[str], object] = lambda _: None) -> Report:
    """Try about so many cases, from the one numbered `begin` (a multiple of 1,000) on. A fault is told at once."""
    report = Report()
    known = 0
    plays: dict[int, Played] = {}
    with HostileEndpoint(plays) as endpoint:
        for first in range(begin, begin + wanted, _DRAWN_AT_ONCE):
            events = _events(min(_DRAWN_AT_ONCE, begin + wanted - first), number + first)
            for start in range(0, len(events), BATCH):
                judge(cases(number, first + start, events[start : start + BATCH], endpoint.port, report), plays, report)
            for fault, detail in list(report.found.items())[known:]:
                say(f"{fault}\n  {detail[:1_000]}")
            known = len(report.found)
            say(f"{report.cases} cases, {report.refused} webhooks refused before them, {len(report.found)} faults")
    say(f"answers: {dict(report.answers.most_common())}; {report.unmatched} events not wanted by their webhook")
    return report


def _events(many: int, number: int) -> list[Event]:
    drawn: list[Event] = []

    @seed(number)
    @settings(
        max_examples=many,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(accepted)
    def draw(event: Event) -> None:
        drawn.append(event)

    draw()
    return drawn
