"""A suspension that holds is announced, once unless a process dies in between, and then under the same id."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from consumer.control.directory import Directory
from consumer.delivery.delivery import Chunk
from consumer.delivery.offsets import Position
from consumer.kafka.records import decode_delayed
from consumer.kafka.writing import NewRecord
from consumer.roles.announcer import Announcer
from consumer.webhooks.draft import resume, suspend
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.subscription import Subscription
from tests.webhook_samples import NOW_MS, changed, record, subscription

PLACE = ("subscriptions", 0)
HOUR_MS = 3_600_000

FAILING = subscription("failing")
WATCHING = subscription("watching", event_types=("webhook.suspended",))
SUSPENDED = suspend(FAILING, reason="gone", now_ms=NOW_MS)


class Topic:
    """The subscriptions topic, what was made of it so far, and one process that announces."""

    def __init__(self) -> None:
        self.records: list[State] = []
        self.directory = Directory()
        self.seen = 0
        self.begin()

    def begin(self, offset: int = 0) -> None:
        """A process starts, from the committed offset."""
        self.written: list[tuple[NewRecord, Callable[[], None]]] = []
        self.announcer = Announcer(
            self.directory,
            self._reached,
            lambda new, done: self.written.append((new, done)),
            topic="retry.0s",
            within_ms=24 * HOUR_MS,
            now_ms=lambda: NOW_MS + HOUR_MS,
            sealing=None,
        )
        self.announcer.assigned([PLACE])
        for number in range(offset, len(self.records)):
            self.announcer.take(record(self.records[number], number))

    def has(self, *states: State, view_follows: bool = True) -> None:
        for state in states:
            self.records.append(state)
            self.announcer.take(record(state, len(self.records) - 1))
        if view_follows:
            self.view_follows()

    def view_follows(self) -> None:
        while self.seen < len(self.records):
            self.directory.apply(record(self.records[self.seen], self.seen))
            self.seen += 1

    def _reached(self, positions: Mapping[int, int], _timeout_s: float) -> bool:
        return all(self.seen >= offset for offset in positions.values())

    def notices(self) -> list[Chunk]:
        """What was written so far."""
        self.announcer.announce()
        chunks = [decode_delayed(new.value or b"", 0) for new, _ in self.written]
        return [each for each in chunks if isinstance(each, Chunk)]

    @property
    def committed(self) -> int:
        return self.announcer.positions().get(PLACE, Position(0)).offset


def test_a_suspension_is_announced_and_passed_only_when_the_notice_is_acknowledged() -> None:
    topic = Topic()
    topic.has(FAILING, WATCHING, SUSPENDED)
    [notice] = topic.notices()
    assert notice.subscription_ids == ("watching",)
    assert topic.committed == 2
    topic.written[0][1]()
    assert topic.committed == 3


def test_a_process_that_dies_before_the_acknowledgement_is_followed_by_one_that_writes_the_same_notice() -> None:
    topic = Topic()
    topic.has(FAILING, WATCHING, SUSPENDED)
    [lost] = topic.notices()
    topic.begin(topic.committed)
    [again] = topic.notices()
    assert again.event == lost.event


def test_nobody_is_told_before_the_directory_knows() -> None:
    topic = Topic()
    topic.has(FAILING, WATCHING, SUSPENDED, view_follows=False)
    assert topic.notices() == []
    assert topic.committed == 2
    topic.view_follows()
    assert len(topic.notices()) == 1


def test_a_suspension_that_lost_is_not_announced() -> None:
    topic = Topic()
    topic.has(FAILING, WATCHING, changed(FAILING, url="https://new.example.com/"), SUSPENDED)
    assert topic.notices() == []
    assert topic.committed == 4


def test_one_that_was_undone_is_not_announced() -> None:
    topic = Topic()
    topic.has(FAILING, WATCHING, SUSPENDED, resume(SUSPENDED, now_ms=NOW_MS + 5))
    assert topic.notices() == []
    gone = Topic()
    gone.has(FAILING, WATCHING, SUSPENDED, Deletion.of(SUSPENDED))
    assert gone.notices() == []
    assert gone.committed == 4


def test_a_change_of_a_suspended_webhook_announces_nothing_again() -> None:
    topic = Topic()
    topic.has(FAILING, WATCHING, SUSPENDED, changed(SUSPENDED, name="renamed"))
    assert len(topic.notices()) == 1


def test_it_is_announced_again_after_a_resume() -> None:
    topic = Topic()
    topic.has(FAILING, WATCHING, SUSPENDED)
    [first] = topic.notices()
    resumed = resume(SUSPENDED, now_ms=NOW_MS + 5)
    topic.has(resumed, suspend(resumed, reason="gone", now_ms=NOW_MS + 9))
    both = topic.notices()
    assert len({each.event.id for each in both} | {first.event.id}) == 2


def test_a_suspension_of_days_ago_is_passed_over() -> None:
    topic = Topic()
    old: Subscription = replace(SUSPENDED, status_since_ms=NOW_MS - 24 * HOUR_MS)
    topic.has(FAILING, WATCHING, old)
    assert topic.notices() == []
    assert topic.committed == 3


def test_what_is_acknowledged_for_a_partition_that_went_moves_nothing() -> None:
    topic = Topic()
    topic.has(FAILING, WATCHING, SUSPENDED)
    topic.notices()
    topic.announcer.left([PLACE])
    topic.written[0][1]()
    assert topic.announcer.positions() == {}
