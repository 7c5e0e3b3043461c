"""The named types of Avro schemas: records, enums and fixed, by their full names (specification, "Names").

The law: nothing is asked of a schema but that each name is defined once; what a name may be made of, defaults, aliases
and the order of fields are the writers' affair.
"""

from typing import NamedTuple

from consumer.events.reasons import PoisonReason, Refused
from consumer.json import Json

_NAMED = ("record", "error", "enum", "fixed")
_INSIDE = ("type", "items", "values", "fields")


class Definition(NamedTuple):
    """A named type as it was written, and the namespace inside it."""

    name: str
    namespace: str
    written: dict[str, Json]


class Names:
    """Everything that is defined in some schemas."""

    def __init__(self) -> None:
        self._defined: dict[str, Definition] = {}

    def collect(self, schema: Json, namespace: str = "") -> None:
        """Add what this schema defines, at any depth; refuses a name that is defined twice."""
        if isinstance(schema, list):
            for each in schema:
                self.collect(each, namespace)
        if not isinstance(schema, dict):
            return
        if schema.get("type") in _NAMED:
            definition = defined(schema, namespace)
            if definition.name in self._defined:
                raise unsupported("names a type twice")
            self._defined[definition.name] = definition
            namespace = definition.namespace
        for key in _INSIDE:
            if isinstance(inner := schema.get(key), dict | list):
                self.collect(inner, namespace)

    def find(self, name: str, namespace: str) -> Definition:
        """What a name stands for inside this namespace."""
        found = self._defined.get(name if "." in name or not namespace else f"{namespace}.{name}")
        found = found or self._defined.get(name)
        if found is None:
            raise unsupported("uses a type that is not defined")
        return found


def defined(written: dict[str, Json], namespace: str) -> Definition:
    """The full name of a named type, and the namespace inside it."""
    name, own = written.get("name"), written.get("namespace")
    if not isinstance(name, str) or not name:
        raise unsupported("has a type without a name")
    if "." in name:
        return Definition(name, name.rpartition(".")[0], written)
    inside = own if isinstance(own, str) else namespace
    return Definition(f"{inside}.{name}" if inside else name, inside, written)


def unsupported(what: str) -> Refused:
    """A schema that Avro or we do not know; `what` goes on after "the schema"."""
    return Refused(PoisonReason.UNSUPPORTED_SCHEMA, f"the schema {what}")
