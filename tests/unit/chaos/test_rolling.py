"""What the rolling run rests on: what is deployed next, how old the oldest event is, and what planted changes do."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

import pytest

from consumer.delivery import done_map
from consumer.kafka import records
from consumer.kafka.newer import is_newer
from consumer.wire import RecordCorrupt
from tests.chaos.bugs import ALL
from tests.chaos.rolling.samples import oldest_s
from tests.chaos.rolling.versions import NoSuchVersion, Version, here, of_commit
from tests.chaos.rolling.workloads import turns
from tests.deliveries import delivery

METRICS = """\
# TYPE hookline_oldest_unfinished_age_seconds gauge
hookline_oldest_unfinished_age_seconds{role="deliver",slot="0",topic="orders",partition="0"} 0.25
hookline_oldest_unfinished_age_seconds{role="deliver",slot="1",topic="orders",partition="1"} 12.5
hookline_oldest_unfinished_age_seconds{role="retry",slot="0",topic="retry.5s",partition="1"} 300.0
hookline_records_unstarted{role="deliver",slot="1",topic="orders",partition="1"} 700
"""
OLD = Version(name="old", python="python3")
NEW = Version(name="new", python="python3")


@contextmanager
def planted(bug: str) -> Iterator[None]:
    with ExitStack() as open_:
        for each in ALL[bug]():
            open_.enter_context(each)
        yield


def test_the_oldest_event_is_that_of_the_role_that_delivers_events() -> None:
    assert oldest_s(METRICS) == 12.5
    assert oldest_s("") is None
    assert oldest_s(METRICS.replace('role="deliver"', 'role="retry"')) is None


def test_two_versions_take_turns_and_one_is_rolled_over_itself() -> None:
    assert [each.name for each in islice(turns(OLD, NEW), 4)] == ["new", "old", "new", "old"]
    assert [each.name for each in islice(turns(None, NEW), 2)] == ["new", "new"]


def test_a_version_that_git_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSuchVersion, match="no-such-revision"), of_commit("no-such-revision", tmp_path):
        pass


def test_a_bug_is_planted_in_the_processes_of_the_version_that_is_here() -> None:
    assert "PLANTED_BUG" not in here().environment
    environment = here("former schema forgotten").environment
    assert environment["PLANTED_BUG"] == "former schema forgotten"
    assert environment["PYTHONPATH"].endswith(here().environment["PYTHONPATH"])


def test_with_the_former_schema_forgotten_neither_version_reads_the_other() -> None:
    before = records.encode_delivery(delivery())
    with planted("former schema forgotten"):
        after = records.encode_delivery(delivery())
        assert records.decode_delayed(after, 1).tier == 1
        assert not is_newer(after)
        with pytest.raises(RecordCorrupt):
            records.decode_delayed(before, 1)
        assert is_newer(before)
    with pytest.raises(RecordCorrupt):
        records.decode_delayed(after, 1)
    assert is_newer(after)


def test_with_a_map_of_another_meaning_the_other_version_takes_for_done_what_is_not() -> None:
    before = done_map.encode(7, 9, [7])
    with planted("map of another meaning"):
        own = done_map.decode(done_map.encode(7, 9, [7]), 7)
        misread = done_map.decode(before, 7)
    assert own is not None
    assert misread is not None
    assert [own.is_done(offset) for offset in (7, 8, 9)] == [False, True, True]
    assert misread.is_done(7)
