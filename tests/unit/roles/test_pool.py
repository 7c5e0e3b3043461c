"""A schema registry that is away makes records wait; it never keeps a process from ending."""

import threading
from contextlib import closing
from typing import cast

from consumer.events.registry import Registry, RegistryUnreachable
from consumer.events.schema import SchemaAnswer, UnknownSchema
from consumer.roles import schema_lookup
from consumer.roles.lookup import Lookup


class Away:
    """Unreachable for the first `times` questions."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.asked = threading.Event()

    def fetch(self, _schema_id: int) -> SchemaAnswer:
        self.asked.set()
        if self.times:
            self.times -= 1
            raise RegistryUnreachable
        return UnknownSchema()


def test_a_registry_is_asked_until_it_answers() -> None:
    look_up = schema_lookup.persistent(cast("Registry", Away(1)), threading.Event())
    assert look_up(7) == {7: UnknownSchema()}


def test_a_stop_ends_the_wait_for_a_registry_without_an_answer() -> None:
    away, stop = Away(1_000), threading.Event()
    with closing(Lookup("schemas", schema_lookup.persistent(cast("Registry", away), stop))) as schemas:
        schemas.ask(7)
        assert away.asked.wait(10)
        stop.set()
        schemas.ask(8)
        replies: list[object] = []
        while len(replies) < 2:
            replies += schemas.take()
    assert replies == [{}, {}]
