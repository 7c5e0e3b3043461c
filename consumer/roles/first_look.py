"""What the supervisor looks at before it starts its processes, so that it is said at once, and once.

The laws:
- what a person has to mend (a topic that is missing, records that nobody decided about) ends the start here, with one
  message, if Kafka tells it within `WITHIN_S`;
- what may come by itself, Kafka or Redis, is said and not waited for: the processes are started, and wait themselves;
- what is not known after `WITHIN_S` each process finds out by itself.
"""

import socket
import threading
from collections.abc import Collection, Iterable
from queue import Empty, SimpleQueue
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import structlog

from consumer.kafka.client import KafkaBroken
from consumer.kafka.topics import TopicsUnfit
from consumer.roles.requirements import required
from consumer.roles.role import Role
from consumer.settings import ConfigurationError, Settings

WITHIN_S: Final = 2.0
_CONNECTED_S: Final = 1.0
_KAFKA_PORT: Final = 9092
_REDIS_PORT: Final = 6379

_log = structlog.get_logger("supervisor")

Address: TypeAlias = tuple[str, int]
Wrong: TypeAlias = ConfigurationError | TopicsUnfit


def first_look(settings: Settings, roles: Collection[Role]) -> Wrong | None:
    """What has to be mended before these roles can work, as far as it is known in time."""
    found: SimpleQueue[Wrong | None] = SimpleQueue()
    looking = threading.Thread(target=lambda: found.put(_looked(settings, roles)), name="first look", daemon=True)
    looking.start()
    try:
        return found.get(timeout=WITHIN_S)
    except Empty:
        return None


def _looked(settings: Settings, roles: Collection[Role]) -> Wrong | None:
    _answers("redis", _redis(settings), "HOOKLINE_REDIS_URL")
    if not _answers("kafka", brokers(settings.kafka.get("bootstrap.servers", "")), "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"):
        return None
    try:
        required(settings, roles)
    except (ConfigurationError, TopicsUnfit) as error:
        return error
    except KafkaBroken:
        return None  # each process tells what it lacks, and tries again
    return None


def _answers(what: str, addresses: Collection[Address], setting: str) -> bool:
    """Whether somebody listens at one of these; if nobody does, it is said. Nothing to look at is no reason to wait."""
    why = ""
    for host, port in addresses:
        try:
            socket.create_connection((host, port), timeout=_CONNECTED_S).close()
        except OSError as error:
            why = error.strerror or str(error)
        else:
            return True
    if addresses:
        at = ", ".join(f"{host}:{port}" for host, port in addresses)
        _log.warning("waiting for kafka" if what == "kafka" else "waiting for redis", at=at, error=why, setting=setting)
    return not addresses


def brokers(listed: str) -> list[Address]:
    """The addresses in `bootstrap.servers`, which may say a protocol before each and leave out the port."""
    return list(_read(f"//{each.strip().rpartition('//')[2]}" for each in listed.split(",") if each.strip()))


def _read(urls: Iterable[str], usual: int = _KAFKA_PORT) -> Iterable[Address]:
    for url in urls:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            continue  # whoever connects there says what is wrong with it
        if host:
            yield host, port or usual


def _redis(settings: Settings) -> list[Address]:
    """None where it is a socket of this machine."""
    url = settings.redis_url.get_secret_value()
    return [] if url.startswith("unix:") else list(_read([url], _REDIS_PORT))
