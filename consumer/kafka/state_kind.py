"""The kinds of records that share a compacted topic, told apart by how their keys begin.

    state:  key:<key id>    canary:<key id>    errand:<name>    portal:<owner>    …
    jobs:   job:<job id>    job-asked:<job id>    replay:<delivery id>    poison:<poison id>

The law: the last record of a name is the truth, and one without a value ends it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from consumer.kafka.reading import read_to_end
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StateKind:
    """One kind. `prefix` ends with a colon."""

    prefix: bytes

    def key_of(self, name: str) -> bytes:
        """The key under which the record of this name is written."""
        return self.prefix + name.encode()

    def name_of(self, key: bytes | None) -> str | None:
        """The name in a record's key; None where the record is of another kind."""
        if key is None or not key.startswith(self.prefix):
            return None
        return key.removeprefix(self.prefix).decode("utf-8", "replace")

    def forgotten(self, topic: str, name: str) -> NewRecord:
        """The record that ends this name."""
        return NewRecord(topic=topic, key=self.key_of(name), value=None)

    def read_all(self, settings: Settings, topic: str, decode: Callable[[bytes], T]) -> dict[str, T]:
        """What the topic holds of this kind, by its names.

        Raises:
            KafkaBroken: the topic could not be read to its end.
            Whatever `decode` raises.
        """
        found: dict[str, T] = {}
        for record in read_to_end(settings, topic):
            name = self.name_of(record.key)
            if name is None:
                continue
            if record.value is None:
                found.pop(name, None)
            else:
                found[name] = decode(record.value)
        return found
