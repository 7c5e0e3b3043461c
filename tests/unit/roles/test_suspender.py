"""Who is suspended: judged when the log was read to its end, as the webhook is then, and written once."""

from collections.abc import Callable

from msgspec.structs import replace

from consumer.kafka.writing import NewRecord
from consumer.log.health import Health, endpoint_of
from consumer.log.suspension import Rule
from consumer.roles.suspender import Suspender
from consumer.webhooks.draft import resume
from consumer.webhooks.record import decode
from consumer.webhooks.subscription import Status, Subscription
from tests.webhook_samples import NOW_MS, subscription

FAILING = Health(
    consecutive_failures=3,
    failing_since_ms=NOW_MS,
    last_attempt_at_ms=NOW_MS + 5_000,
    endpoint=endpoint_of(subscription().url),
)


class Log:
    """One partition of the attempts topic with one webhook, which fails."""

    def __init__(self) -> None:
        self.known: Subscription | None = subscription()
        self.health = FAILING
        self.read_to: int | None = 10
        self.written: list[tuple[NewRecord, Callable[[], None]]] = []
        self.suspender = Suspender(
            lambda _name: self.known,
            lambda new, done: self.written.append((new, done)),
            topic="subscriptions",
            rule=Rule(after_ms=5_000, attempts=3),
            now_ms=lambda: NOW_MS + 6_000,
        )

    def fails(self, *, end: int | None = 10) -> None:
        self.suspender.failed("wh_1", self.health, 0, lambda: end)
        self.decides()

    def decides(self) -> None:
        self.suspender.decide(lambda _partition: self.read_to, lambda _partition, _name: self.health)


def test_the_suspension_is_the_next_revision_and_says_why() -> None:
    log = Log()
    log.fails()
    [(new, _)] = log.written
    suspended = decode(new.value or b"")
    assert (suspended.status, suspended.changes, suspended.status_since_ms) == (Status.SUSPENDED, 1, NOW_MS + 6_000)
    assert suspended.status_reason.startswith("failed since 2026-")


def test_it_waits_until_the_log_was_read_as_far_as_it_went() -> None:
    log = Log()
    log.fails(end=12)
    assert log.written == []
    log.read_to = 12
    log.decides()
    assert len(log.written) == 1


def test_a_success_that_was_still_unread_saves_it() -> None:
    log = Log()
    log.fails(end=12)
    log.read_to, log.health = 12, replace(FAILING, consecutive_failures=0, failing_since_ms=None)
    log.decides()
    assert log.written == []


def test_a_partition_that_went_is_somebody_elses_to_judge() -> None:
    log = Log()
    log.fails(end=12)
    log.read_to = None
    log.decides()
    log.read_to = 12
    log.decides()
    assert log.written == []


def test_nothing_is_judged_before_it_is_known_where_the_log_ends() -> None:
    log = Log()
    log.fails(end=None)
    assert log.written == []


def test_it_is_written_once_while_it_has_not_been_read_back() -> None:
    log = Log()
    log.fails()
    log.fails()
    assert len(log.written) == 1


def test_one_that_is_resumed_or_deleted_meanwhile_is_left_alone() -> None:
    log = Log()
    log.known = resume(subscription(status=Status.SUSPENDED), now_ms=NOW_MS + 1)
    log.fails()
    log.known = None
    log.fails()
    assert log.written == []
