"""One client for a process's small questions to Kafka: each client has three threads, which wake with nothing to do.

The law: the same configuration gives the same client for as long as anybody has it. It may be asked from any thread.
"""

import threading
from typing import Final, TypeAlias
from weakref import WeakValueDictionary

from confluent_kafka.admin import AdminClient

from consumer.kafka.client import Value, build, client_properties
from consumer.settings import Settings

_Key: TypeAlias = tuple[tuple[str, Value], ...]

_lock: Final = threading.Lock()
_clients: Final[WeakValueDictionary[_Key, AdminClient]] = WeakValueDictionary()


def shared_admin(settings: Settings) -> AdminClient:
    """The client of these settings.

    Raises:
        ConfigurationError, KafkaBroken: see `client.build`.
    """
    properties = client_properties(settings)
    key = tuple(sorted(properties.items(), key=lambda pair: pair[0]))
    with _lock:
        client = _clients.get(key)
        if client is None:
            client = _clients[key] = build(AdminClient, properties)
        return client
