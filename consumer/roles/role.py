"""The roles: what one process does, and which of our topics it reads or writes."""

from enum import StrEnum
from typing import Final, assert_never

from consumer.kafka.topic_specs import Topics


class Role(StrEnum):
    """In the order in which they are started: the cache fills first."""

    PROJECTION = "projection"
    DELIVER = "deliver"
    RETRY = "retry"
    LOG = "log"
    JOBS = "jobs"
    API = "api"


SEALS: Final = frozenset(Role) - {Role.PROJECTION}
"""Those that write or read what is sealed with tenants' data keys, where they have some."""


def needed_by(role: Role, topics: Topics) -> frozenset[str]:
    """The topics of ours without which a role cannot work; the event topics are the user's."""
    match role:
        case Role.PROJECTION:
            return frozenset({topics.subscriptions})
        case Role.DELIVER | Role.RETRY:
            # Both reject what they cannot read, and suspend a webhook whose endpoint is gone.
            ends = {topics.attempts, topics.dead_letter, topics.poison, topics.subscriptions}
            return frozenset(ends | {topics.ordered, *topics.retry_topics})
        case Role.LOG:
            return frozenset({topics.attempts, topics.subscriptions, topics.retry(0)})
        case Role.JOBS:
            # It reads what was not delivered, and writes it to be sent again.
            reads = {topics.jobs, topics.subscriptions, topics.attempts, topics.dead_letter}
            return frozenset(reads | {topics.ordered, *topics.retry_topics})
        case Role.API:
            # It lists dead letters, logs the test events it sends, and tells what was done.
            kept = {topics.subscriptions, topics.state, topics.jobs}
            return frozenset(kept | {topics.dead_letter, topics.attempts, topics.audit})
        case _:
            assert_never(role)
