"""What is sealed waits for the log, is committed then, and what is not recorded holds up what is to begin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from consumer.delivery.offsets import Partition, Position
from consumer.kafka.tickets import Ticket
from consumer.roles.pace import MOST
from consumer.roles.seals import Seals, Terms
from consumer.settings import Settings

EVENTS: Partition = ("events", 0)
OTHERS: Partition = ("events", 1)


@dataclass
class Log:
    """It has what it was told that it has, and nothing of what a newer ticket stands for."""

    tickets: int = 0
    acknowledged: bool = False

    def ticket(self) -> Ticket:
        self.tickets += 1
        self.acknowledged = False
        return Ticket(self.tickets)

    def has(self, ticket: Ticket) -> bool:
        assert ticket == self.tickets, "an older seal was forgotten"
        return self.acknowledged


@dataclass
class Group:
    late_s: float = 0.0
    refused_s: float = 0.0
    unanswered_s: float = 0.0
    accepted: int = 0
    committed: list[dict[Partition, Position]] = field(default_factory=list)

    def commit(self, positions: Mapping[Partition, Position]) -> None:
        self.committed.append(dict(positions))


def sealing(seals: Seals, now_ms: int, offset: int, metadata: str = "") -> bool:
    """Take a turn; whether it sealed."""
    log = cast("Log", seals._log)
    before = log.tickets
    seals.turn(now_ms, lambda: {EVENTS: Position(offset, metadata)})
    return log.tickets != before


def test_a_position_is_committed_once_the_log_has_what_was_written_before_it() -> None:
    log, group = Log(), Group()
    seals = Seals(log, group)
    assert sealing(seals, 0, 7)
    assert log.tickets == 1
    assert not sealing(seals, 100, 8)  # the log has not everything yet
    assert group.committed == []
    log.acknowledged = True
    assert sealing(seals, 101, 9)
    assert group.committed == [{EVENTS: Position(7)}]


def test_the_next_seal_waits_and_the_longer_the_more_there_is_to_write() -> None:
    log = Log()
    seals = Seals(log, Group())
    assert sealing(seals, 0, 1)
    log.acknowledged = True
    assert not sealing(seals, 9, 2)
    assert sealing(seals, 10, 2, "m" * 6_554)
    log.acknowledged = True
    assert not sealing(seals, 109, 3)
    assert sealing(seals, 110, 3)


def test_what_did_not_change_is_not_sealed_and_what_does_then_is_at_once() -> None:
    log = Log()
    seals = Seals(log, Group())
    assert sealing(seals, 0, 1, "m" * 6_554)
    log.acknowledged = True
    assert not sealing(seals, 100, 1, "m" * 6_554)
    assert sealing(seals, 101, 2)


def test_metadata_that_did_not_change_is_not_sent_and_does_not_count() -> None:
    log = Log()
    seals = Seals(log, Group())
    theirs = Position(3, "m" * 6_554)
    for now_ms, offset in ((0, 1), (100, 2), (110, 3)):
        seals.turn(now_ms, lambda offset=offset: {EVENTS: Position(offset), OTHERS: theirs})  # type: ignore[misc]
        log.acknowledged = True
    assert log.tickets == 3


def test_of_a_partition_that_went_nothing_is_committed() -> None:
    log, group = Log(), Group()
    seals = Seals(log, group)
    seals.turn(0, lambda: {EVENTS: Position(7), OTHERS: Position(3)})
    seals.drop([EVENTS])
    log.acknowledged = True
    sealing(seals, 1, 8)
    assert group.committed == [{OTHERS: Position(3)}]


def test_a_silent_log_holds_up_for_as_long_as_it_is_silent() -> None:
    log = Log()
    seals = Seals(log, Group())
    assert not seals.is_behind(0)
    sealing(seals, 0, 1)
    assert not seals.is_behind(250)
    assert seals.is_behind(251)
    assert seals.is_behind(60_000)
    log.acknowledged = True
    sealing(seals, 60_000, 2)
    assert not seals.is_behind(60_001)


SLOW = Terms(every_ms=500, unrecorded_ms=2_000)


def test_a_broker_that_takes_few_commits_and_answers_late_is_given_the_time_that_the_settings_say() -> None:
    log, group = Log(), Group()
    seals = Seals(log, group, SLOW)
    assert sealing(seals, 0, 1)
    assert not seals.is_behind(2_000)
    assert seals.is_behind(2_001)
    log.acknowledged = True
    assert not sealing(seals, 499, 2)
    assert sealing(seals, 500, 2)
    group.late_s = 1.9
    assert not seals.is_behind(500)
    assert Terms.of(Settings(commit_every="500ms", unrecorded_for="2s")) == SLOW
    assert Terms.of(Settings()) == Terms()


def test_commits_far_apart_let_it_go_on_as_fast_as_frequent_ones() -> None:
    """One commit proves that the next one will be accepted for as long as that may take."""
    log, group = Log(), Group()
    seals = Seals(log, group, SLOW)
    now_ms = 0
    for offset in range(1, 16):
        seals.begun(now_ms, seals.room(now_ms))
        sealing(seals, now_ms, offset)
        log.acknowledged = True
        now_ms += 500
        sealing(seals, now_ms, offset + 1)
        log.acknowledged = True
        group.accepted += 1
        now_ms += 10
        sealing(seals, now_ms, offset + 1)
    assert seals.room(now_ms) > 1_000


def test_commits_that_are_refused_hold_up_for_four_seconds_at_most() -> None:
    group = Group()
    seals = Seals(Log(), group)
    behind = []
    for late_s in (0.25, 0.3, 4.0, 4.1, 60.0):
        group.late_s = group.refused_s = late_s
        behind.append(seals.is_behind(0))
    assert behind == [False, True, True, False, False]


def test_what_nobody_refuses_holds_up_until_it_is_accepted() -> None:
    """The broker is away, or back from an outage that was longer than the session: nobody has said whose it is."""
    group = Group()
    seals = Seals(Log(), group)
    behind = []
    for group.late_s, group.refused_s in ((4.1, 0.0), (60.0, 0.0), (60.0, 4.0), (60.0, 4.1), (0.2, 60.0)):
        behind.append((seals.is_behind(0), seals.room(0) == MOST))
    assert behind == [(True, False), (True, False), (True, False), (False, True), (False, False)]


def test_behind_a_commit_that_is_not_answered_little_begins_and_more_with_each_word_of_the_log() -> None:
    """Nothing else is wrong: the coordinator waits for members that are gone, and answers nobody meanwhile."""
    log, group = Log(), Group()
    seals = Seals(log, group)
    group.late_s = group.unanswered_s = 4.0
    assert (seals.is_behind(0), seals.room(0)) == (True, 0)
    group.late_s = group.unanswered_s = 4.1
    assert (seals.is_behind(0), seals.room(0)) == (False, 4)
    rooms = []
    for number in range(8):
        now_ms = number * 100
        rooms.append(seals.room(now_ms))
        seals.begun(now_ms, seals.room(now_ms))
        assert seals.room(now_ms) == 0, "until the log has what became of them"
        sealing(seals, now_ms, number + 1)
        log.acknowledged = True
        sealing(seals, now_ms + 5, number + 1)
    assert rooms == [4, 8, 16, 32, 64, 64, 64, 64]
    group.late_s, group.unanswered_s = 0.0, 0.0
    sealing(seals, 1_000, 100)
    log.acknowledged = True
    sealing(seals, 1_010, 100)
    group.late_s = group.unanswered_s = 9.0
    assert seals.room(1_010) == 4


def test_behind_a_commit_that_is_not_answered_a_silent_log_stops_all_the_same() -> None:
    seals = Seals(Log(), Group(late_s=9.0, unanswered_s=9.0))
    seals.begun(0, seals.room(0))
    sealing(seals, 0, 1)
    assert seals.room(0) == 0
    assert seals.is_behind(251)


def test_of_one_that_went_and_came_back_the_same_is_sealed_again() -> None:
    log = Log()
    seals = Seals(log, Group())
    assert sealing(seals, 0, 1)
    log.acknowledged = True
    seals.drop([EVENTS])
    assert sealing(seals, 10, 1)


def test_more_begins_with_each_commit_that_is_accepted() -> None:
    log, group = Log(), Group()
    seals = Seals(log, group)
    assert seals.room(0) == 8
    seals.begun(0, 8)
    assert seals.room(0) == 0
    sealing(seals, 0, 1)
    log.acknowledged = True
    sealing(seals, 10, 2)
    group.late_s = 0.001  # asked for, not answered
    assert seals.room(10) == 0
    group.accepted, group.late_s = 1, 0.0
    sealing(seals, 11, 2)
    assert seals.room(11) == 16


def test_what_waited_behind_a_request_is_covered_by_the_next_one_only() -> None:
    log, group = Log(), Group()
    seals = Seals(log, group)
    seals.begun(0, 5)
    sealing(seals, 0, 1)
    log.acknowledged = True
    seals.begun(5, 3)
    sealing(seals, 10, 2)  # asks for the first seal
    group.late_s = 0.001
    log.acknowledged = True
    sealing(seals, 20, 2)  # the second one waits
    group.accepted = 1
    sealing(seals, 21, 2)
    assert seals.room(21) == 16 - 3
    group.accepted = 2
    sealing(seals, 22, 2)
    assert seals.room(22) == 32


def test_the_next_round_begins_when_there_is_nothing_to_commit() -> None:
    log, group = Log(), Group()
    seals = Seals(log, group)
    seals.begun(0, 8)
    sealing(seals, 0, 0)
    log.acknowledged = True
    sealing(seals, 99, 0)
    assert seals.room(99) == 0
    sealing(seals, 100, 0)  # what was begun hangs: nothing ended, nothing is wanted
    assert seals.room(100) == 8


def test_what_is_behind_begins_nothing_then_little_and_what_is_refused_for_long_holds_up_no_more() -> None:
    group = Group()
    seals = Seals(Log(), group)
    for number in range(1, 5):
        group.accepted = number
        sealing(seals, 0, 0)
    assert seals.room(0) == 128
    group.late_s = 1.0
    sealing(seals, 0, 0)
    assert seals.room(0) == 0  # behind
    group.late_s = 0.0
    assert seals.room(0) == 8
    group.late_s = group.refused_s = 5.0
    assert seals.room(0) == MOST


def test_it_is_pending_until_it_looked_and_found_nothing_new() -> None:
    log = Log()
    seals = Seals(log, Group())
    pending = [seals.pending]
    # The log has not everything, twice; then it is committed, too early to look again; then there is nothing new.
    for now_ms, log.acknowledged in ((0, True), (1, False), (5, True), (10, True)):
        sealing(seals, now_ms, 1)
        pending.append(seals.pending)
    assert pending == [False, True, True, True, False]


def test_a_seal_of_which_nothing_is_left_holds_up_nothing_and_is_followed_by_the_next() -> None:
    log, group = Log(), Group()
    seals = Seals(log, group)
    assert sealing(seals, 0, 1)
    seals.drop([EVENTS])
    assert not seals.is_behind(60_000)
    assert not seals.pending
    assert sealing(seals, 60_000, 2)
    log.acknowledged = True
    sealing(seals, 60_001, 2)
    assert group.committed == [{EVENTS: Position(2)}]
