"""Topics for a test, there when the call returns."""

import time
from collections.abc import Mapping
from typing import Protocol

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic


def create_topics(
    bootstrap: str, spec: Mapping[str, int], config: Mapping[str, str] | None = None, *, replication: int = 1
) -> None:
    """Create each topic of `spec` (name → partitions) with `config`.

    Raises:
        KafkaException: the broker refused one.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wanted = [NewTopic(name, partitions, replication, config=dict(config or {})) for name, partitions in spec.items()]
    for created in admin.create_topics(wanted, request_timeout=20.0).values():
        created.result()
    # The controller knows them first: whoever asks the broker a moment later may still be told that there is none.
    until = time.monotonic() + 20
    while not all(_is_led(admin, name) for name in spec):
        assert time.monotonic() < until, f"not there after 20 s: {', '.join(spec)}"
        time.sleep(0.02)


def _is_led(admin: AdminClient, name: str) -> bool:
    found = admin.list_topics(name, timeout=20).topics[name]
    return (
        found.error is None and bool(found.partitions) and all(each.leader >= 0 for each in found.partitions.values())
    )


class MakeTopics(Protocol):
    """The fixture `make_topics`: the same on the shared broker."""

    def __call__(self, spec: Mapping[str, int], config: Mapping[str, str] | None = None) -> None: ...
