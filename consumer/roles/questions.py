"""What the core asks of Redis, of the schema registry and of name servers, and their answers.

The law: whatever may block runs in a thread of its own; the loop only puts questions and takes answers.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from consumer.delivery.again import Again, Found
from consumer.delivery.core import Core
from consumer.delivery.lined_up import OrderedLook, OrderedSeen
from consumer.delivery.step import LookAhead, SeenAhead, Step
from consumer.events.schema import SchemaAnswer, UnknownSchema
from consumer.http.transport import Transport
from consumer.roles.lookup import Lookup
from consumer.roles.marks import Marking
from consumer.roles.name_lookup import NameLookup
from consumer.roles.replaced import ReplacedExchange
from consumer.roles.standings import Heard, StandingAsking
from consumer.roles.tenant_lookup import TenantLookup

MarkLookup: TypeAlias = Lookup[Marking, Mapping[str, bool]]
AheadLookup: TypeAlias = Lookup[LookAhead, SeenAhead]
AgainLookup: TypeAlias = Lookup[Again, Found]
OrderedLookup: TypeAlias = Lookup[OrderedLook, OrderedSeen]


class SchemaAsking(Protocol):
    """A look-up of schemas, each asked for until it is answered (`schema_lookup.SchemaLookup`)."""

    fd: int

    def ask(self, schema_id: int) -> None:
        """Ask; the answer comes from `take`, in any order."""

    def take(self) -> Sequence[Mapping[int, SchemaAnswer]]:
        """The answers that have come."""

    def close(self) -> None:
        """Nothing more is asked or answered."""


class Questions:
    """Owned by the loop. The core's decoder reads `known_schemas`."""

    def __init__(
        self,
        core: Core,
        *,
        tenants: TenantLookup,
        marks: MarkLookup,
        again: AgainLookup | None,
        ordered: OrderedLookup | None,
        replaced: ReplacedExchange | None,
        schemas: SchemaAsking | None,
        standings: StandingAsking | None,
        ahead: AheadLookup | None,
        known_schemas: dict[int, SchemaAnswer],
        names: NameLookup,
    ) -> None:
        self._core = core
        self._names = names
        self._tenants = tenants
        self._marks = marks
        self._again = again
        self._ordered = ordered
        self._replaced = replaced
        self._schemas = schemas
        self._standings = standings
        self._ahead = ahead
        self._known_schemas = known_schemas

    def wake(self, transport: Transport) -> None:
        """An answer that comes ends the transport's wait."""
        transport.watch(self._tenants.fd)
        transport.watch(self._marks.fd)
        if self._again is not None:
            transport.watch(self._again.fd)
        if self._ordered is not None:
            transport.watch(self._ordered.fd)
        transport.watch(self._names.fd)
        if self._schemas is not None:
            transport.watch(self._schemas.fd)
        if self._replaced is not None:
            transport.watch(self._replaced.fd)
        if self._standings is not None:
            transport.watch(self._standings.fd)
        if self._ahead is not None:
            transport.watch(self._ahead.fd)

    def ask(self, step: Step) -> None:
        """Put the questions that a step has."""
        if step.load:
            self._tenants.ask(step.load)
        if step.load_alone:
            self._tenants.ask_alone(step.load_alone)
        if self._schemas is not None:
            for schema_id in step.schemas:
                self._schemas.ask(schema_id)
        if self._standings is not None and step.reports:
            self._standings.ask(step.reports)
        if self._ahead is not None and step.ahead is not None:
            self._ahead.ask(step.ahead)
        if self._again is not None and step.again is not None:
            self._again.ask(step.again)
        if self._ordered is not None and step.ordered is not None:
            self._ordered.ask(step.ordered)
        if step.names:
            self._names.ask(step.names)
        self._mark(step)

    def _mark(self, step: Step) -> None:
        """Mark what was accepted late, look for such marks, and tell other processes what they need not try."""
        if step.check or step.succeeded_late:
            self._marks.ask(Marking(accepted=step.succeeded_late, wanted=step.check))
        if self._replaced is not None and step.replaced:
            self._replaced.tell(step.replaced)

    def tell(self, now_ms: int) -> None:
        """Give the core the answers that have come.

        Raises:
            Exception: a bug of a look-up.
        """
        for replies in self._tenants.take():
            for tenant, loading in replies.items():
                self._core.loaded(now_ms, tenant, loading)
        self._tell_schemas(now_ms)
        for heard in () if self._standings is None else self._standings.take():
            self._heard(now_ms, heard)
        for host, resolution in self._names.take():
            self._core.named(now_ms, host, resolution)
        self._tell_of_logs(now_ms)
        for marks in self._marks.take():
            for delivery_id, succeeded in marks.items():
                self._core.checked(now_ms, delivery_id, succeeded=succeeded)
        for names in () if self._replaced is None else self._replaced.take():
            self._core.replaced(names)

    def _tell_of_logs(self, now_ms: int) -> None:
        for seen in () if self._ahead is None else self._ahead.take():
            self._core.ahead(now_ms, seen)
        for found in () if self._again is None else self._again.take():
            self._core.read_again(now_ms, found)
        for how_far in () if self._ordered is None else self._ordered.take():
            self._core.ordered_seen(how_far)

    def leave(self, now_ms: int) -> None:
        """Tell whoever keeps the standings that this process leaves: others get its places."""
        if self._standings is not None:
            self._standings.ask(self._core.leaving(now_ms))

    def close(self) -> None:
        """Ask nothing more."""
        self._tenants.close()
        self._marks.close()
        if self._replaced is not None:
            self._replaced.close()
        if self._again is not None:
            self._again.close()
        if self._ordered is not None:
            self._ordered.close()
        self._names.close()
        if self._schemas is not None:
            self._schemas.close()
        if self._standings is not None:
            self._standings.close()
        if self._ahead is not None:
            self._ahead.close()

    def _heard(self, now_ms: int, heard: Heard) -> None:
        if heard.processes is not None:
            self._core.shared_by(heard.processes)
        for subscription_id, standing in heard.standings.items():
            self._core.standing(now_ms, subscription_id, standing, ago_ms=heard.ago_ms)

    def _tell_schemas(self, now_ms: int) -> None:
        for found in () if self._schemas is None else self._schemas.take():
            for schema_id, schema in found.items():
                self._known_schemas[schema_id] = schema
                self._core.schema_answered(now_ms, schema_id)
                if isinstance(schema, UnknownSchema):
                    del self._known_schemas[schema_id]  # it may be registered before its next record
