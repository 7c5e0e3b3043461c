"""Schemas from the registry, asked for until it answers.

Imported only where a registry is configured: its client costs a process 11 MB.
"""

import threading
from collections.abc import Callable, Mapping

import structlog

from consumer.events.registry import Registry, RegistryUnreachable
from consumer.events.schema import SchemaAnswer
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("pool")

_ASK_REGISTRY_EVERY_S = 1.0


def schema_lookup(url: str, stop: threading.Event) -> Callable[[int], Mapping[int, SchemaAnswer]]:
    """The registry at `url`, as `persistent` asks it."""
    return persistent(Registry(url), stop)


def persistent(registry: Registry, stop: threading.Event) -> Callable[[int], Mapping[int, SchemaAnswer]]:
    """Ask the registry until it answers: the records of its schema wait, whatever is the matter with it.

    The reply is empty when `stop` came first: those records stay unfinished, and the next process reads them again.
    """
    unreachable = Outage(_log, "schema registry unreachable")

    def look_up(schema_id: int) -> Mapping[int, SchemaAnswer]:
        while True:
            try:
                answer = registry.fetch(schema_id)
            except RegistryUnreachable as error:
                unreachable.met(schema_id=schema_id, error=str(error.__cause__ or error))
                if stop.wait(_ASK_REGISTRY_EVERY_S):
                    return {}
            else:
                unreachable.over()
                return {schema_id: answer}

    return look_up
