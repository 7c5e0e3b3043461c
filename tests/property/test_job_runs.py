"""A job that is killed at any write, before or after it, sends each of its candidates exactly once."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.jobs.candidate import Candidate
from consumer.jobs.job import Kind, Skip, State, Wish
from consumer.kafka.writing import NewRecord
from consumer.replay.plan import Planned
from tests.job_stage import Killed, Stage, candidate, check
from tests.jobs import asked

_skips = st.none() | st.sampled_from([Skip.DELIVERED, Skip.WAITING])
_founds = st.lists(st.none() | st.tuples(st.integers(0, 30), _skips, st.booleans()), max_size=60)


class Chaos:
    """Kills at the writes that it is given, before or after them."""

    def __init__(self, stage: Stage, fates: Sequence[str]) -> None:
        self._fates = iter(fates)
        self._fate = "fine"
        self.kills = 0
        stage.before_write, stage.after_write = self._before, self._after

    def _before(self) -> None:
        self._fate = next(self._fates, "fine")
        self._kill("before")

    def _after(self) -> None:
        self._kill("after")

    def _kill(self, fate: str) -> None:
        if self._fate == fate:
            self.kills += 1
            raise Killed


def _found(rows: Sequence[tuple[int, Skip | None, bool] | None]) -> list[Candidate | None]:
    """The same event may come twice, as a delivery and as its replay do: the first time it may be skipped."""
    return [None if row is None else candidate(row[0], skip=row[1], raced=row[2]) for row in rows]


@settings(max_examples=150)
@given(
    rows=_founds,
    fates=st.lists(st.sampled_from(["before", "after", "fine", "fine"]), max_size=30),
    step=st.integers(1, 20),
    rate=st.sampled_from([1, 7, 50, 1_000]),
    kind=st.sampled_from([Kind.REPLAY, Kind.RECOVER, Kind.RESEND]),
    again=st.booleans(),
    lags=st.booleans(),
    too_large=st.sets(st.integers(0, 30), max_size=3),
    counted_first=st.booleans(),
)
def test_each_once_and_the_counts_add_up(  # given by name
    *,
    rows: list[tuple[int, Skip | None, bool] | None],
    fates: list[str],
    step: int,
    rate: int,
    kind: Kind,
    again: bool,
    lags: bool,
    too_large: set[int],
    counted_first: bool,
) -> None:
    stage, found = Stage(), _found(rows)
    stage.sources["job_1"], stage.step, stage.lags = found, step, lags
    stage.too_large = {f"e{number}" for number in too_large}
    chaos = Chaos(stage, fates)
    wanted = replace(asked(kind=kind, again=again), rate_per_s=rate, most=40)
    if counted_first:
        stage.wish(replace(wanted, wish=Wish.COUNT))
        stage.lives(lambda: stage.is_in(State.COUNTED))
        assert stage.sent == []
        wanted = replace(wanted, number=2)
    stage.wish(wanted)
    lives = stage.lives(lambda: stage.is_in(State.DONE))
    assert lives <= chaos.kills + 1
    check(stage, found)
    job = stage.job()
    assert len(job.sample) == min(5, job.counts.sent)
    assert sum(job.counts.types.values()) == job.counts.sent
    assert job.made == (tuple(each.id for each in stage.sent) if job.counts.sent <= 5 else ())
    if counted_first:
        counted = job.counted
        assert counted is not None
        assert (counted.matched, counted.sent) == (job.counts.matched, 0)
    if not chaos.kills:
        assert job.counts.looked == len(rows)


class Torn(Stage):
    """A writer with a planted bug: how far the job is, is written before what it sends, and not with it."""

    def write(self, batch: Sequence[Planned], beside: Sequence[NewRecord] = ()) -> None:
        self.commit((), beside)
        self.before_write()
        self.commit(batch, ())


def test_a_position_that_is_written_without_its_batch_is_found() -> None:
    stage, found = Torn(), [candidate(number) for number in range(20)]
    stage.sources["job_1"] = found
    Chaos(stage, ["fine", "fine", "before"])
    stage.wish(asked())
    stage.lives(lambda: stage.is_in(State.DONE))
    with pytest.raises(AssertionError, match="each once"):
        check(stage, found)
