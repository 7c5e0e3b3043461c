"""Topics for a test, there when the call returns."""

from collections.abc import Mapping
from typing import Protocol

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic


def create_topics(bootstrap: str, spec: Mapping[str, int], config: Mapping[str, str] | None = None) -> None:
    """Create each topic of `spec` (name → partitions) with `config`.

    Raises:
        KafkaException: the broker refused one.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wanted = [NewTopic(name, partitions, 1, config=dict(config or {})) for name, partitions in spec.items()]
    for created in admin.create_topics(wanted, request_timeout=20.0).values():
        created.result()


class MakeTopics(Protocol):
    """The fixture `make_topics`: the same on the shared broker."""

    def __call__(self, spec: Mapping[str, int], config: Mapping[str, str] | None = None) -> None: ...
