"""Events as `deliver` decodes them, read once more by a job, of one tenant.

The laws: what `deliver` takes for an event of this tenant is one here, with the same fields; and a record is left
undecoded only where it cannot be one, whatever its format:

    JSON, CloudEvents, single objects    the tenant's name stands in the value or in a header, byte for byte, unless
                                         JSON escapes a part of it: then there is a backslash in the value
    of a registered schema               a header names the tenant, else a field that may be anything: a number, or a
                                         symbol that stands in the schema alone. Only the header is looked at
"""

import time
from collections.abc import Callable, Generator
from typing import Final

import structlog

from consumer.events.avro import REGISTRY_MAGIC
from consumer.events.decode import decode
from consumer.events.event import Event, Record, SchemaNeeded
from consumer.events.rules import EventRules
from consumer.events.schema import ENVELOPE, ParsedSchema, SchemaAnswer, Schemas
from consumer.settings import Settings
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("jobs")

_HEADER: Final = "tenant"
_ID: Final = slice(1, 5)
_BACKSLASH: Final = b"\\"
_AGAIN_S: Final = 0.2

Ask = Callable[[int], SchemaAnswer | None]
"""Asks the registry for a schema; None: it cannot answer now."""


class TenantEvents:
    """Belongs to one thread. `ask` of None: no registry is configured."""

    def __init__(
        self, settings: Settings, tenant: str, *, ask: Ask | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._tenant = tenant
        self._name = tenant.encode()
        self._rules = EventRules.of(settings)
        self._known: dict[int, SchemaAnswer] = {}
        self._schemas = Schemas(known=self._known)
        self._ask = ask
        self._sleep = sleep

    def is_foreign(self, record: Record) -> bool:
        """Whether it cannot be an event of the tenant: seen without decoding it."""
        value = record.value
        if value is None:
            return True
        if value.startswith(REGISTRY_MAGIC):
            return self._is_named_otherwise(record, value)
        if self._name in value or _BACKSLASH in value:
            return False
        return not any(each is not None and self._name in each for _, each in record.headers)

    def read(self, record: Record) -> Generator[None, None, Event | None]:
        """The tenant's event that it is, or None. It yields as long as the registry does not answer."""
        while True:
            try:
                found = decoded(record, decode, record, self._schemas, self._rules)
            except RecordCorrupt:
                return None  # a bug of ours, and told: to `deliver` it is poison
            if not isinstance(found, SchemaNeeded):
                return found if isinstance(found, Event) and found.tenant == self._tenant else None
            answer = None if self._ask is None else self._ask(found.schema_id)
            if answer is not None:
                self._known[found.schema_id] = answer
                continue
            yield
            self._sleep(_AGAIN_S)

    def _is_named_otherwise(self, record: Record, value: bytes) -> bool:
        schema = self._known.get(int.from_bytes(value[_ID], "big"))
        if not isinstance(schema, ParsedSchema) or schema.name == ENVELOPE:
            return False
        named = [each for name, each in record.headers if name.isascii() and name.lower() == _HEADER]
        return len(named) > 1 or (len(named) == 1 and named[0] is not None and named[0] != self._name)


def asking(settings: Settings) -> Ask | None:
    """Asks the registry that the settings name; None where they name none."""
    if settings.schema_registry_url is None:
        return None
    from consumer.events.registry import Registry, RegistryUnreachable  # noqa: PLC0415 - its library costs memory

    registry = Registry(settings.schema_registry_url)

    def ask(schema_id: int) -> SchemaAnswer | None:
        try:
            return registry.fetch(schema_id)
        except RegistryUnreachable as error:
            _log.warning("schema registry unreachable", schema_id=schema_id, error=str(error.__cause__ or error))
            return None

    return ask
