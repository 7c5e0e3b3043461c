"""What will become of an event that is to be published, told before: `deliver` reads and matches it in the same way.

The law: a record is refused only where `deliver` would write it to the poison topic. Whether a webhook wants an event
is told as of now, of the first 1,000 tenants, and not at all where the cache cannot be read, or a record only with a
schema of the registry.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from consumer.cli.event_file import Outgoing
from consumer.cli.exits import bad_input, say
from consumer.events.decode import decode
from consumer.events.event import Event, Poison, Record, SchemaNeeded
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from consumer.telemetry.printable import printable
from consumer.webhooks.matching import Matcher
from consumer.webhooks.reader import Loaded, Reading, Unavailable

_TENANTS_MOST: Final = 1_000
_TOLD_MOST: Final = 5


class Outlook:
    """Of the events of one file."""

    def __init__(
        self,
        rules: EventRules,
        read: Callable[[Mapping[str, None]], Mapping[str, Reading]],
        *,
        unit: str,
        headers: Iterable[tuple[str, str | bytes | None]] = (),
        skip: int = 0,
    ) -> None:
        """`read` gives tenants' webhooks, as `Reader.read`.

        `unit` is what a record is called in the file, `headers` are on every record, and the first `skip` are not
        published.
        """
        self._unit = unit
        self._headers = tuple((name, value.encode() if isinstance(value, str) else value) for name, value in headers)
        self._schemas, self._rules = Schemas(known={}), rules
        self._read = read
        self._skip = skip
        self._matchers: dict[str, Matcher] = {}
        self._unwanted: Counter[tuple[str, str]] = Counter()
        self._doubt = ""

    def passed(self, records: Iterable[Outgoing]) -> Iterator[Outgoing]:
        """These, each looked at that is published.

        Raises:
            CommandFailed: 65, one of those is no event.
        """
        for record in records:
            if record.number <= self._skip:
                yield record
                continue
            read = decode(self._record(record), self._schemas, self._rules)
            if isinstance(read, Poison):
                where = f"{self._unit} {record.number}"
                instead = "deliver would write it to the poison topic. --unchecked publishes it all the same"
                raise bad_input(f"{where} is no event ({read.reason}): {read.detail}. {instead}", field="file")
            if isinstance(read, SchemaNeeded):
                self._doubt = self._doubt or "their schema is in the registry, which is not asked"
            if isinstance(read, Event) and self._wanted(read) is False:
                self._unwanted[read.tenant, read.type] += 1
            yield record

    @property
    def unwanted(self) -> list[dict[str, str | int]] | None:
        """How many events of which tenant and type no webhook wants; None where that is not known."""
        if self._doubt:
            return None
        return [
            {"tenant": tenant, "type": type_, "events": number}
            for (tenant, type_), number in self._unwanted.most_common()
        ]

    def say(self) -> None:
        """Tell a person whose events go to nobody."""
        if self._doubt:
            say(f"whether webhooks want these events is not known: {self._doubt}")
            return
        for (tenant, type_), number in self._unwanted.most_common(_TOLD_MOST):
            events = "1 event goes" if number == 1 else f"{number:,} events go"
            say(f"{events} to nobody: no active webhook of tenant {printable(tenant)} wants {printable(type_)}")
        if (more := len(self._unwanted) - _TOLD_MOST) > 0:
            say(f"and {more:,} more tenants and types, see --json")

    def _record(self, record: Outgoing) -> Record:
        return Record(
            topic="", partition=0, offset=0, key=record.key, value=record.value, headers=self._headers, timestamp_ms=0
        )

    def _wanted(self, event: Event) -> bool | None:
        """None where it cannot be told."""
        if self._doubt:
            return None
        matcher = self._matchers.get(event.tenant)
        if matcher is None:
            if len(self._matchers) >= _TENANTS_MOST:
                return None
            found = self._read({event.tenant: None})[event.tenant]
            if not isinstance(found, Loaded):
                self._doubt = found.reason if isinstance(found, Unavailable) else "the cache did not answer"
                return None
            matcher = self._matchers[event.tenant] = found.matcher
        return bool(matcher.match(event))
