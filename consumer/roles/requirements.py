"""What roles need of Kafka before they begin.

The law: a role begins only where the topics that it needs are there and fit, and `deliver` only where somebody decided
about the records that lay on the event topics before Hookline came.
"""

from collections.abc import Collection

from consumer.kafka import first_start
from consumer.kafka.selection import wanted_topics
from consumer.kafka.topic_differences import Found
from consumer.kafka.topics import Topics, require
from consumer.roles.role import SEALS, Role, needed_by
from consumer.settings import Settings


def required(settings: Settings, roles: Collection[Role], *, events: bool = False) -> Found:
    """Make sure that Kafka has what these roles need. Returns what was found; `events`: see `topics.require`.

    Raises:
        ConfigurationError: nobody decided about the records that are there, and see `topics.require`.
        TopicsUnfit: a topic is missing, or not as it must be.
        AccessDenied: an ACL is missing.
        KafkaBroken: the broker could not be asked.
    """
    topics = Topics.of(settings)
    needed = frozenset().union(*(needed_by(role, topics) for role in roles))
    if settings.tenant_keys == "on" and not SEALS.isdisjoint(roles):
        needed |= {topics.tenant_keys}
    found = require(settings, needed, events=events)
    if Role.DELIVER in roles:
        first_start.decided(settings, wanted_topics(settings), topics.group(Role.DELIVER))
    return found
