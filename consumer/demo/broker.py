"""An embedded Kafka: librdkafka's mock cluster, inside this process, spoken to by others over loopback.

The law: it lives as long as this object, keeps 5 MiB a partition in memory, and has the topics it was given before
anybody subscribes (a group that subscribes to a topic not yet there hears of it only minutes later).
"""

from collections.abc import Iterable
from typing import Self

from confluent_kafka import Producer

_TIMEOUT_S = 10.0
_EMERGENCIES_ONLY = 2  # syslog's level: the mock cluster announces itself and every disconnect otherwise


class Broker:
    """One mock broker. The topics have librdkafka's four partitions each."""

    def __init__(self, topics: Iterable[str]) -> None:
        # The client that owns the cluster: librdkafka replaces its bootstrap.servers by the cluster's own.
        self._owner: Producer | None = Producer(
            {"bootstrap.servers": "replaced", "test.mock.num.brokers": 1, "log_level": _EMERGENCIES_ONLY}
        )
        brokers = self._owner.list_topics(timeout=_TIMEOUT_S).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        for topic in topics:
            self._owner.list_topics(topic, timeout=_TIMEOUT_S)  # asking by name creates it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._owner = None
