"""One Kafka broker in KRaft mode, ready when it answers for its metadata, with its data kept across restarts."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.services import engine
from tests.services.broker import QUICK, broker
from tests.services.server import LocalProcess, Server, ServiceError, free_port, listening
from tests.services.service import Service

IMAGE = "apache/kafka:4.3.1"
MIB = 1_048_576

# Java's options: room for many brokers on one machine; or, to measure by, a quarter of its memory, half of that for the
# young generation: a broker stops for 20 to 70 ms to collect it, and with 768 MB did so every seven seconds.
SMALL = ("-Xmx512m", *QUICK)
ROOMY = ("-XX:InitialRAMPercentage=25", "-XX:MaxRAMPercentage=25", "-XX:NewRatio=1", "-XX:+UseSerialGC")

# What differs from Kafka's defaults: one node, quick groups, room for records that are too large for Hookline.
PROPERTIES: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # After SIGKILL a broker is let in again once its old session has ended: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "auto.create.topics.enable": "false",
    # A test may forbid what it names; everything else is everybody's.
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "10000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.heartbeat.interval.ms": "2000",
    "message.max.bytes": str(20 * MIB),
    "replica.fetch.max.bytes": str(21 * MIB),
    # The cleaner's default of 128 MiB would be a quarter of our heap.
    "log.cleaner.dedupe.buffer.size": str(8 * MIB),
    "log.cleaner.backoff.ms": "1000",
}


class Kafka(Service):
    """A broker on a free loopback port; its records survive `stop` and `kill`."""

    name = "Kafka"

    @classmethod
    def start(
        cls,
        folder: Path,
        properties: Mapping[str, str] | None = None,
        *,
        java: Sequence[str] = SMALL,
        port: int | None = None,
        listeners: Mapping[str, int] | None = None,
        logger: str = "",
    ) -> Self:
        """Start one with its data in `folder`; `properties` go over PROPERTIES, `java` are a local one's options.

        A `port` of None: any free one. `listeners` are more than the usual one, by name with their ports: `properties`
        say what they speak. What `logger` says is in `folder / "kafka.log"`.

        Raises:
            ServiceError: neither Java nor a container engine is here, or the broker did not start.
        """
        folder.mkdir(parents=True, exist_ok=True)
        port = port or free_port()
        wanted = {**PROPERTIES, **(properties or {})}
        if shutil.which("java") and shutil.which("mvn"):
            server: Server = _local(folder, {"PLAINTEXT": port, **(listeners or {})}, wanted, java, logger)
        elif listeners or logger:
            raise ServiceError("a broker with several listeners, or with a log, needs Java 17 and Maven")
        elif container := engine.find():
            server = _container(container, port, wanted)
        else:
            raise ServiceError("Kafka needs Java 17 and Maven, or a container engine; none of them answers")
        return cls(server, port)

    @property
    def bootstrap(self) -> str:
        """For `bootstrap.servers`."""
        return f"127.0.0.1:{self._port}"

    def ready(self) -> bool:
        """Whether it answers for its metadata."""
        # The socket first: librdkafka would print every refused connection.
        if not listening(self._port):
            return False
        try:
            AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(timeout=5.0)
        except KafkaException:
            return False
        return True


def _local(
    folder: Path, listeners: Mapping[str, int], wanted: Mapping[str, str], java: Sequence[str], logger: str
) -> LocalProcess:
    """A broker by Java, its storage formatted."""
    controller = free_port()
    where = ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items())
    properties = {
        **wanted,
        "listeners": f"{where},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": where,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
    }
    return broker(folder, properties, java=java, logger=logger)


def _container(path: str, port: int, wanted: Mapping[str, str]) -> engine.Container:
    """A broker by the official image, which reads `a.b` from KAFKA_A_B."""
    properties = {
        **wanted,
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": "1@localhost:9093",
    }
    environment = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}
    return engine.Container(path, IMAGE, port=port, inner_port=9092, environment=environment)
