"""How the member of a consumer group is configured: its session, its assignment, how it fetches.

The law: nothing is committed or skipped behind our back, and who comes back under its name in time keeps what it had.
"""

from dataclasses import dataclass
from typing import Final

from consumer.kafka.client import Properties, client_properties
from consumer.settings import Settings

# A member that was killed and comes back under its instance id within this time keeps its partitions. One that does not
# reach its coordinator for so long loses them: a cluster needs 9 s to notice that a broker has died, and some more to
# let another one be the coordinator (decision 71).
SESSION_MS: Final = 20_000
# Of who leads, so that another one leads soon: it keeps nothing that would be done again.
LEADING_SESSION_MS: Final = 10_000
STATIC: Final = "group.instance.id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """A fetch is answered when so much is there, or after so long; so much is fetched ahead, and in one answer.

    `partition_bytes`: so much of each partition, as it is compressed.
    """

    min_bytes: int
    wait_ms: int
    ahead_bytes: int = 4_194_304
    partition_bytes: int = 1_048_576


AT_ONCE: Final = Fetch(min_bytes=1, wait_ms=100)
# For who is not in a hurry: uncompressed, what is fetched at once takes several times its size.
LITTLE: Final = Fetch(min_bytes=65_536, wait_ms=250, partition_bytes=131_072)
# Where records come one by one, 80 a second, a process costs half as much then, and the broker a tenth less.
GATHERED: Final = Fetch(min_bytes=65_536, wait_ms=100)


def consumer_properties(
    settings: Settings, *, group: str, instance: str | None, fetch: Fetch = AT_ONCE, session_ms: int = SESSION_MS
) -> Properties:
    """A group member's properties. `session_ms`: after so long without a sign of life its partitions are another's.

    Raises:
        ConfigurationError: the user's properties contradict those that are ours.
    """
    ours: Properties = {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "group.protocol": settings.group_protocol,
    }
    unless_set: Properties = {
        "fetch.min.bytes": fetch.min_bytes,
        "fetch.wait.max.ms": fetch.wait_ms,
        "fetch.queue.backoff.ms": 5,  # the next fetch before the last one is used up
        "queued.min.messages": 2_000,
        "queued.max.messages.kbytes": max(1, fetch.ahead_bytes // 1_024),
        "fetch.message.max.bytes": fetch.partition_bytes,
        "fetch.max.bytes": max(fetch.ahead_bytes, _message_bytes(settings)),  # of all partitions, in one answer
        "topic.metadata.refresh.interval.ms": 30_000,
        "metadata.max.age.ms": 90_000,
    }
    if settings.group_protocol == "classic":
        ours["partition.assignment.strategy"] = "cooperative-sticky"
        unless_set |= {"session.timeout.ms": session_ms, "heartbeat.interval.ms": 500}
        if instance is not None and settings.membership == "static":
            ours[STATIC] = instance
    return client_properties(settings, ours=ours, unless_set=unless_set)


def _message_bytes(settings: Settings) -> int:
    """`message.max.bytes`, the user's or librdkafka's own: it refuses a `fetch.max.bytes` below it."""
    users = settings.kafka.get("message.max.bytes", "")
    return int(users) if users.isdecimal() else 1_000_000
