"""Asking a broker for its topics: one that has just started may answer before it knows of itself."""

from types import SimpleNamespace
from typing import cast

import pytest
from confluent_kafka.admin import AdminClient

from consumer.kafka.client import KafkaBroken
from consumer.kafka.topics import _ask
from consumer.settings import Settings


def test_a_broker_that_knows_no_broker_is_asked_again() -> None:
    metadata = SimpleNamespace(brokers={}, topics={}, cluster_id=None)
    admin = cast("AdminClient", SimpleNamespace(list_topics=lambda timeout: metadata))  # noqa: ARG005 # its own name
    with pytest.raises(KafkaBroken, match="knows no broker yet"):
        _ask(admin, Settings(), 1.0)
