"""Kafka and Redis, looked for before a command begins: where one is not, the setting is named that says where it is.

The law: within `PATIENCE_S` a command works or has said which setting or which topic is at fault, and nothing was
changed yet.
"""

import os
from collections.abc import Callable, Collection
from typing import Final, TypeAlias

from confluent_kafka import KafkaError, KafkaException

from consumer.cli.exits import CommandFailed, say, unavailable
from consumer.kafka.client import error_of
from consumer.kafka.hearing_admin import HearingAdmin
from consumer.kafka.topics import Topics
from consumer.settings import KAFKA, Settings
from consumer.webhooks.cache import Cache, CacheUnavailable, Call, connect

PATIENCE_S: Final = 5.0
BOOTSTRAP: Final = KAFKA + "BOOTSTRAP_SERVERS"

_ANSWER: Final = "return 1"
_CRITICAL: Final = 2  # syslog's: what librdkafka has to say is heard as an error, and told once

Needed: TypeAlias = Callable[[Topics], Collection[str]]


def installation(settings: Settings, needed: Needed = lambda _: ()) -> Settings:
    """The same settings, once Kafka has answered and has these topics of ours.

    Raises:
        ConfigurationError: a setting of Kafka's is wrong.
        CommandFailed: 69, nothing answers as Kafka where the settings say; 78, a topic is missing.
    """
    there = partitions(settings).keys()
    if missing := sorted(set(needed(Topics.of(settings))) - there):
        one = len(missing) == 1
        raise CommandFailed(
            os.EX_CONFIG,
            f"Kafka has no topic{'' if one else 's'} {', '.join(missing)}, or hides {'it' if one else 'them'} from us: "
            f"`hookline topics create` creates {'it' if one else 'them'}",
        )
    return settings


def with_cache(settings: Settings) -> Settings:
    """The same settings; that Redis does not answer is said, and stops nothing."""
    cache = Cache(connect(settings))
    try:
        cache.run([Call(script=_ANSWER, keys=("reach",), args=())])
    except CacheUnavailable as error:
        said = "no Redis answers where HOOKLINE_REDIS_URL says; what only it has, as webhooks' health, is left out"
        say(f"{said}: {error}")
    finally:
        cache.close()
    return settings


def partitions(settings: Settings) -> dict[str, int]:
    """How many partitions each topic has that this user may see.

    Raises:
        ConfigurationError: a setting of Kafka's is wrong, or Kafka does not let us in.
        CommandFailed: 69, nothing answers as Kafka where the settings say.
    """
    admin = HearingAdmin(settings, log_level=_CRITICAL)
    try:
        topics = admin.client.list_topics(timeout=PATIENCE_S).topics
    except KafkaException as exception:
        if (wrong := admin.blamed()) is not None:
            raise wrong from None
        raise _unreachable(settings, error_of(exception), admin.heard) from None
    return {name: len(topic.partitions) for name, topic in topics.items()}


def _unreachable(settings: Settings, error: KafkaError, heard: Collection[KafkaError]) -> CommandFailed:
    where = settings.kafka.get("bootstrap.servers") or settings.kafka.get("metadata.broker.list", "")
    why = next((each.str() for each in heard), error.str())
    return unavailable(f"no Kafka answers at {where}: correct {BOOTSTRAP}, or start it ({why})", field=BOOTSTRAP)
