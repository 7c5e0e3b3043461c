"""A role finds out at its start that a topic it writes to is missing, not at its first poison record."""

import pytest
from msgspec.structs import replace

from consumer.delivery.delivery import Chunk
from consumer.delivery.step import Bury, Delay, LineUp, Reject, Suspend, Write
from consumer.events.event import Poison, Record
from consumer.kafka.topic_specs import Topics
from consumer.roles.role import Role, needed_by
from consumer.roles.writes import produced
from tests.dead_letters import dead_letter
from tests.deliveries import delivery, event, subscription

TOPICS = Topics("h.", ("5s", "1m"))


@pytest.mark.parametrize("role", [Role.DELIVER, Role.RETRY])
def test_a_delivering_role_needs_every_topic_that_the_core_may_write_to(role: Role) -> None:
    record = Record(topic="orders", partition=0, offset=0, key=None, value=b"", headers=(), timestamp_ms=1)
    tiers = range(len(TOPICS.retry_topics))
    chunk = Chunk(event=event(), subscription_ids=("a",), first_due_ms=1)
    writes: list[Write] = [Delay(tier=tier, delayed=chunk) for tier in tiers]
    writes += [
        LineUp(delivery=replace(delivery(), order="0" * 36)),
        Bury(dead_letter=dead_letter()),
        Reject(record=record, poison=Poison(reason="r", detail="d")),
        Suspend(subscription=subscription()),
    ]
    written = {produced(write, TOPICS, "kafka_dlt").topic for write in writes}
    assert needed_by(role, TOPICS) == written | {TOPICS.attempts}


def test_the_log_needs_what_it_reads_and_the_topic_of_its_notices() -> None:
    assert needed_by(Role.LOG, TOPICS) == {TOPICS.attempts, TOPICS.subscriptions, TOPICS.retry(0)}


def test_the_projection_needs_the_subscriptions_alone() -> None:
    assert needed_by(Role.PROJECTION, TOPICS) == {TOPICS.subscriptions}


def test_jobs_need_what_they_read_and_what_they_write() -> None:
    written = {TOPICS.jobs, TOPICS.retry(0), TOPICS.ordered}
    read = {TOPICS.jobs, TOPICS.subscriptions, TOPICS.attempts, TOPICS.dead_letter, *TOPICS.retry_topics}
    assert needed_by(Role.JOBS, TOPICS) == written | read
