"""The last day as pages show it: what the role `log` counted, of all partitions."""

from collections.abc import Mapping, Sequence

from consumer.log.health import Sent
from consumer.log.stats import HOUR_MS, Stats
from consumer.portal.statistics import Counted, Hour

NOW_MS = 500_000 * HOUR_MS + 60_000


class Counts:
    def __init__(self, **known: Sequence[Stats]) -> None:
        self.known = known
        self.asked: list[Sequence[str]] = []

    def read_all(self, webhooks: Sequence[str]) -> Mapping[str, Sequence[Stats]]:
        self.asked.append(webhooks)
        return {id_: parts for id_, parts in self.known.items() if id_ in webhooks}


def of(*attempts: tuple[int, int | None, float]) -> Stats:
    stats = Stats()
    for hours_ago, status, elapsed_ms in attempts:
        at_ms = NOW_MS - hours_ago * HOUR_MS
        outcome = "delivered" if status == 200 else "retry"
        sent = Sent(
            at_ms=at_ms,
            logged_ms=at_ms,
            url="https://e.example/",
            status=status,
            failure=None if status else "timeout",
            elapsed_ms=elapsed_ms,
            outcome=outcome,
        )
        stats.count(sent)
    return stats


def test_hours_of_all_partitions_add_up_and_the_latest_is_the_last() -> None:
    counts = Counts(a=[of((0, 200, 10.0), (23, 503, 20.0)), of((0, 200, 30.0), (0, None, 900.0))], b=[])
    days = Counted(counts, lambda: NOW_MS).read(["a", "b", "unknown"])
    assert days.keys() == {"a", "b"}
    hours = days["a"].hours
    assert len(hours) == 24
    assert hours[-1] == Hour(delivered=2, failed=1, mean_ms=20.0)
    assert hours[0] == Hour(failed=1, mean_ms=20.0)
    assert (days["b"].delivered, days["b"].failed) == (0, 0)


def test_nobody_is_asked_about_nothing() -> None:
    counts = Counts()
    assert not Counted(counts, lambda: NOW_MS).read([])
    assert not counts.asked
