"""Statistics and jobs' counts add up to the truth, whatever order attempts come in and wherever a process dies.

A log of attempts is folded by processes that die at any time, between a save and the next as well as after a write
whose answer they never got. What Redis holds in the end is compared with what counting the log gives.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from consumer.log.answered import Answered, summed
from consumer.log.fields import Reading, dropped, pairs
from consumer.log.figures import Fields
from consumer.log.health import Sent
from consumer.log.keeper import Keeper, Superseded
from consumer.log.stats import DAY_MS, HOUR_MS, Period, Stats, buckets, counts
from consumer.log.store import Kept
from consumer.webhooks.cache import CacheUnavailable

BEGIN_MS = 20_000 * DAY_MS
NOW_MS = BEGIN_MS + 20 * DAY_MS


@dataclass
class MemoryStore:
    """One partition's hash as `HealthStore` has it. `loses`: whether the next writes are done; none is answered."""

    stand: str = ""
    values: dict[str, bytes] = field(default_factory=dict)
    loses: list[bool] = field(default_factory=list)

    def load(self, partition: int) -> Kept:
        if not self.stand.isdecimal():
            return Kept(stand=self.stand)
        reading = Reading()
        for name, value in self.values.items():
            reading.take(name, value)
        assert reading.whole
        return Kept(stand=self.stand, offset=int(self.stand), figures=reading)

    def write(self, partition: int, *, expected: str, stand: str, figures: Fields, partitions: int) -> str:
        if self.loses:
            if self.loses.pop():
                self._do(expected, stand, figures)
            raise CacheUnavailable("no answer")
        return self._do(expected, stand, figures)

    def fill(self, partition: int, *, expected: str, token: str, stand: str, figures: Fields, partitions: int) -> str:
        found = self.stand
        if found == expected:
            self.values = dict(pairs(figures))
            self.stand = stand
        return found

    def _do(self, expected: str, stand: str, figures: Fields) -> str:
        found = self.stand
        if found == expected:
            self.values |= dict(pairs(figures))
            for name in dropped(figures):
                self.values.pop(name, None)
            self.stand = stand
        return found


attempts = st.builds(
    Sent,
    at_ms=st.integers(BEGIN_MS, NOW_MS),
    logged_ms=st.just(NOW_MS),
    url=st.just("https://example.com/"),
    status=st.sampled_from([200, 500, None]),
    failure=st.none(),
    elapsed_ms=st.integers(0, 40_000).map(float),
    outcome=st.sampled_from(["delivered", "retry", "dead"]),
    number=st.integers(1, 3),
    trigger=st.sampled_from(["event", "test", "resend", "replay"]),
    job_id=st.sampled_from([None, "job_1", "job_2"]),
)
logs = st.lists(st.tuples(st.sampled_from(["wh_1", "wh_2"]), attempts), max_size=40)


class Life:
    """A log, read by one process after the other."""

    def __init__(self, log: list[tuple[str, Sent]]) -> None:
        self.log = log
        self.store = MemoryStore()
        tokens = count()
        self.keeper = Keeper(self.store, new_token=lambda: str(next(tokens)))  # type: ignore[arg-type] # in memory
        self.begin(0)

    def begin(self, _: int) -> None:
        """As after a crash, or a rebalance: what was not saved is gone."""
        self.figures = self.keeper.load(0, lambda offset: offset or 0)

    def read(self, number: int) -> None:
        self._fold(self.figures.offset, self.figures.offset + number)

    def read_again(self, number: int) -> None:
        self._fold(max(0, self.figures.offset - number), self.figures.offset)

    def save(self, _: int = 0) -> None:
        try:
            self.keeper.save(0, self.figures, 1)
        except CacheUnavailable:
            self.keeper.save(0, self.figures, 1)  # nothing is folded before that is known
        except Superseded:
            self.begin(0)

    def save_unanswered(self, done: int) -> None:
        self.store.loses = [bool(done)]
        self.save()

    def flush(self, _: int) -> None:
        self.store.stand, self.store.values = "", {}

    def _fold(self, begin: int, end: int) -> None:
        for offset in range(begin, min(end, len(self.log))):
            self.figures.fold(offset, *self.log[offset], lambda _: 0)


deeds = st.lists(
    st.tuples(
        st.sampled_from([Life.begin, Life.read, Life.read_again, Life.save, Life.save_unanswered, Life.flush]),
        st.integers(0, 9),
    ),
    max_size=30,
)


@given(logs, deeds)
def test_what_is_kept_is_what_counting_the_log_gives(
    log: list[tuple[str, Sent]], deeds: list[tuple[Callable[[Life, int], None], int]]
) -> None:
    life = Life(log)
    for deed, number in deeds:
        deed(life, number)
    life.store.loses = []
    life.save()
    life.read(len(log))
    life.save()

    kept = life.keeper.load(0, lambda offset: offset or 0)
    assert kept.offset == len(log)
    for webhook in ("wh_1", "wh_2"):
        own = [each for name, each in log if name == webhook]
        packed = kept.stats.rows.get(webhook)
        of = [] if packed is None else [Stats.unpacked(packed)]
        for period in Period:
            assert _told(of, period) == _truth(own, period)
    for job in ("job_1", "job_2"):
        own = [each for _, each in log if each.job_id == job]
        found = kept.jobs.rows.get(job)
        assert summed([] if found is None else [found]) == _answered(own)


def _told(of: list[Stats], period: Period) -> dict[int, tuple[int, int, int, int]]:
    return {
        each.start_ms: (each.delivered, each.failed, each.answers_ms, each.worst_ms)
        for each in buckets(of, period, NOW_MS)
        if each.delivered or each.failed
    }


def _truth(attempts: list[Sent], period: Period) -> dict[int, tuple[int, int, int, int]]:
    """By looking at each attempt. A late one counts while its step is within the period up to the newest then."""
    steps: defaultdict[int, list[Sent]] = defaultdict(list)
    newest = 0
    for each in filter(counts, attempts):
        step = each.at_ms // period.step_ms
        newest = max(newest, step)
        if step > newest - period.steps:
            steps[step].append(each)
    oldest = NOW_MS // period.step_ms - period.steps
    return {
        step * period.step_ms: (
            sum(each.outcome == "delivered" for each in own),
            sum(each.outcome != "delivered" for each in own),
            sum(round(each.elapsed_ms) for each in own if each.status is not None),
            max((round(each.elapsed_ms) for each in own if each.status is not None), default=0),
        )
        for step, own in steps.items()
        if step > oldest
    }


def _answered(attempts: list[Sent]) -> Answered:
    outcomes = Counter(each.outcome for each in attempts)
    streak = 0
    for each in reversed(attempts):
        if each.outcome == "delivered":
            break
        streak += 1
    return Answered(
        tried=sum(each.number == 1 for each in attempts),
        attempts=len(attempts),
        delivered=outcomes["delivered"],
        failed=outcomes["dead"],
        streak=streak,
    )


@given(st.lists(attempts, max_size=80))
def test_statistics_are_read_back_as_they_were_packed(log: list[Sent]) -> None:
    stats = Stats()
    for each in log:
        stats.count(each)
    assert Stats.checked(stats.packed()) == stats


@given(st.permutations(range(12)), st.lists(attempts, min_size=12, max_size=12))
def test_within_a_day_the_order_of_attempts_is_all_the_same(order: list[int], log: list[Sent]) -> None:
    one, other = Stats(), Stats()
    for at, each in enumerate(log):
        one.count(_within_a_day(each, at))
    for at in order:
        other.count(_within_a_day(log[at], at))
    assert one == other


def _within_a_day(sent: Sent, number: int) -> Sent:
    return Sent(
        at_ms=BEGIN_MS + number * HOUR_MS,
        logged_ms=NOW_MS,
        url=sent.url,
        status=sent.status,
        failure=sent.failure,
        elapsed_ms=sent.elapsed_ms,
        outcome=sent.outcome,
    )
