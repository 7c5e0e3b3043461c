"""Who is told that an endpoint fails, and that it recovered: once each, when the log was read to its end."""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from consumer.control.directory import Directory
from consumer.control.notices import Notices
from consumer.delivery.delivery import Chunk
from consumer.kafka.records import decode_delayed
from consumer.kafka.writing import NewRecord
from consumer.log.failing import RULE, event_of, tidings_of
from consumer.log.health import NO_HEALTH, Health, Sent, folded
from consumer.roles.failing_teller import FailingTeller
from consumer.webhooks.subscription import Status, Subscription
from tests.webhook_samples import NOW_MS, record, subscription

URL = subscription().url


def after(health: Health, minute: int, *, status: int) -> Health:
    outcome = "delivered" if status == 200 else "retry"
    at_ms = NOW_MS + minute * 60_000
    sent = Sent(at_ms=at_ms, logged_ms=at_ms, url=URL, status=status, failure=None, elapsed_ms=5.0, outcome=outcome)
    return folded(health, sent)


def failing(attempts: int, *, minutes: int) -> Health:
    health = NO_HEALTH
    for number in range(attempts):
        health = after(health, number * minutes // max(1, attempts - 1), status=503)
    return health


class Log:
    """A partition of the attempts topic, and two webhooks of one owner: one fails, the other asks to be told."""

    def __init__(self, *asking: str) -> None:
        self.health = failing(RULE.attempts, minutes=10)
        self.subject: Subscription | None = subscription("wh_1", name="Billing")
        self.read_to: int | None = 10
        self.written: list[tuple[NewRecord, Callable[[], None]]] = []
        directory = Directory()
        for offset, each in enumerate((subscription("wh_1"), subscription("wh_2", event_types=asking or ("x",)))):
            directory.apply(record(each, offset))
        self.teller = FailingTeller(
            lambda _name: self.subject,
            Notices(directory, topic="retry.0s", now_ms=lambda: NOW_MS, sealing=None),
            lambda new, done: self.written.append((new, done)),
            self.told,
        )

    def told(self, _partition: int, _name: str, since_ms: int | None) -> None:
        self.health = replace(self.health, told_failing_ms=since_ms)

    def turn(self, *, end: int = 10, acknowledged: bool = True) -> list[str]:
        """The events told in one turn."""
        self.teller.heard("wh_1", self.health, 0, lambda: end)
        self.teller.decide(lambda _: self.read_to, lambda _partition, _name: self.health)
        written, self.written = self.written, []
        chunks = [decode_delayed(new.value or b"", 0) for new, _ in written]
        if acknowledged:
            for _, done in written:
                done()
        assert all(isinstance(each, Chunk) and each.subscription_ids == ("wh_2",) for each in chunks)
        return [each.event.id for each in chunks if isinstance(each, Chunk)]


def test_a_streak_is_told_once_and_its_end_once() -> None:
    log = Log("webhook.*")
    assert log.turn() == [f"failing-wh_1-{NOW_MS}"]
    log.health = after(log.health, 11, status=503)
    assert log.turn() == []
    log.health = after(log.health, 12, status=200)
    assert log.turn() == [f"recovered-wh_1-{NOW_MS}"]
    log.health = after(log.health, 13, status=200)
    assert log.turn() == []
    assert log.health.told_failing_ms is None


def test_what_was_not_acknowledged_is_not_noted_and_told_again_by_the_next_process() -> None:
    log = Log("webhook.failing")
    assert log.turn(acknowledged=False) == [f"failing-wh_1-{NOW_MS}"]
    assert (log.turn(), log.health.told_failing_ms) == ([], None), "it is under way"
    after_a_crash = Log("webhook.failing")
    assert after_a_crash.turn() == [f"failing-wh_1-{NOW_MS}"]


def test_one_that_recovers_while_later_attempts_are_unread_is_not_told_as_failing() -> None:
    log = Log("webhook.*")
    assert log.turn(end=12) == []
    log.read_to, log.health = 12, after(log.health, 11, status=200)
    assert log.turn(end=12) == []


def test_nobody_asks_and_it_is_noted_all_the_same() -> None:
    log = Log("*")  # every event of the producers
    assert (log.turn(), log.health.told_failing_ms) == ([], NOW_MS)


def test_a_webhook_that_is_gone_or_does_not_deliver_is_not_told_of() -> None:
    log = Log("webhook.*")
    for subject in (None, subscription(status=Status.PAUSED), subscription(status=Status.SUSPENDED)):
        log.subject = subject
        assert log.turn() == []
    log.subject, log.read_to = subscription(), None
    assert log.turn() == []


def test_few_failures_and_a_short_time_are_nobodys_news() -> None:
    assert tidings_of(failing(RULE.attempts - 1, minutes=60)) is None
    assert tidings_of(failing(50, minutes=9)) is None
    assert tidings_of(NO_HEALTH) is None


def test_a_resume_is_no_recovery() -> None:
    health = replace(failing(9, minutes=20), told_failing_ms=NOW_MS, consecutive_failures=0, failing_since_ms=None)
    assert tidings_of(health) is None


def test_the_event_tells_the_origin_alone_and_its_sample_s_fields() -> None:
    health = failing(RULE.attempts, minutes=10)
    told = tidings_of(health)
    assert told is not None
    event = event_of(told, subscription(url="https://a.example/secret?token=t"), health)
    data = msgspec.json.decode(event.data)
    assert (data["origin"], b"secret" in event.data, data["code"]) == ("https://a.example", False, 503)
    assert (event.type, data["consecutiveFailures"]) == ("webhook.failing", 5)
