"""What a command did by way of Kafka, told to the audit log.

The law: it is told after it was done. Where it cannot be told that is said on standard error, and changes nothing of
what was done: whoever may write to Kafka could leave the log out anyway.
"""

import getpass
import os
import socket
import time
from collections.abc import Iterable
from typing import Final

from consumer.cli.exits import CommandFailed, say
from consumer.cli.reach import partitions
from consumer.control.audit import COMMAND, Deed, new_id, record_of
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topics import Topics
from consumer.kafka.writing import write_now
from consumer.settings import Settings

_NOT_TOLD: Final = "what was done is not in the audit log"


def tell(
    settings: Settings,
    action: str,
    *,
    tenant: str,
    brand: str,
    target: str = "",
    made: str = "",
    fields: Iterable[str] = (),
) -> None:
    """Tell of one thing that was done."""
    deed = Deed(
        id=new_id(),
        at_ms=time.time_ns() // 1_000_000,
        tenant=tenant,
        brand=brand,
        by=by_whom(),
        action=action,
        target=target,
        made=made,
        fields=tuple(sorted(fields)),
    )
    tell_all(settings, [deed])


def tell_all(settings: Settings, deeds: Iterable[Deed]) -> None:
    """Tell the audit log of several deeds."""
    topic = Topics.of(settings).audit
    try:
        if topic not in partitions(settings):  # a broker might make one that is not as it must be
            say(f"{_NOT_TOLD}: there is no topic {topic}, which `hookline topics create` creates")
            return
        write_now(settings, [record_of(topic, deed) for deed in deeds])
    except (KafkaBroken, CommandFailed) as error:
        say(f"{_NOT_TOLD}: {error}")


def by_whom() -> str:
    """Whose command it is, as this machine knows him."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return f"{COMMAND}:{user}@{socket.gethostname()}"
