"""What the core asks of Redis, of the schema registry and of name servers, and their answers.

The law: whatever may block runs in a thread of its own; the loop only puts questions and takes answers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar

from consumer.delivery.again import Again, Found
from consumer.delivery.core import Core
from consumer.delivery.lined_up import OrderedLook, OrderedSeen
from consumer.delivery.names import Resolution
from consumer.delivery.step import LookAhead, SeenAhead, Step
from consumer.delivery.tenants import Loading
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

Reply = TypeVar("Reply")
Reply_co = TypeVar("Reply_co", covariant=True)


class SchemaAsking(Protocol):
    """A look-up of schemas, each asked for until it is answered (`schema_lookup.SchemaLookup`)."""

    fd: int

    def ask(self, schema_id: int) -> None:
        """Ask; the answer comes from `take`, in any order."""

    def take(self) -> Sequence[Mapping[int, SchemaAnswer]]:
        """The answers that have come."""

    def close(self) -> None:
        """Nothing more is asked or answered."""


class _Source(Protocol[Reply_co]):
    """What is asked, whatever it is: `fd` becomes readable when there is something to take."""

    fd: int

    def take(self) -> Sequence[Reply_co]:
        """The answers that have come."""

    def close(self) -> None:
        """Ask nothing more."""


class _Asked(Generic[Reply]):
    """One of those that are asked, and who is told its answers."""

    def __init__(self, source: _Source[Reply], tell: Callable[[int, Reply], None]) -> None:
        self.source = source
        self._tell = tell

    def hear(self, now_ms: int) -> None:
        for reply in self.source.take():
            self._tell(now_ms, reply)


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
        asked = (
            _Asked(tenants, self._loaded),
            None if schemas is None else _Asked(schemas, self._described),
            None if standings is None else _Asked(standings, self._stood),
            _Asked(names, self._named),
            None if ahead is None else _Asked(ahead, core.ahead),
            None if again is None else _Asked(again, core.read_again),
            None if ordered is None else _Asked(ordered, self._ordered_seen),
            _Asked(marks, self._checked),
            None if replaced is None else _Asked(replaced, self._were_replaced),
        )
        self._asked = tuple(each for each in asked if each is not None)

    def wake(self, transport: Transport) -> None:
        """An answer that comes ends the transport's wait."""
        for each in self._asked:
            transport.watch(each.source.fd)

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
        for each in self._asked:
            each.hear(now_ms)

    def leave(self, now_ms: int) -> None:
        """Tell whoever keeps the standings that this process leaves: others get its places."""
        if self._standings is not None:
            self._standings.ask(self._core.leaving(now_ms))

    def close(self) -> None:
        """Ask nothing more."""
        for each in self._asked:
            each.source.close()

    # ── what is heard ────────────────────────────────────────────────────────────────────────────────────────────

    def _loaded(self, now_ms: int, replies: Mapping[str, Loading]) -> None:
        for tenant, loading in replies.items():
            self._core.loaded(now_ms, tenant, loading)

    def _described(self, now_ms: int, found: Mapping[int, SchemaAnswer]) -> None:
        for schema_id, schema in found.items():
            self._known_schemas[schema_id] = schema
            self._core.schema_answered(now_ms, schema_id)
            if isinstance(schema, UnknownSchema):
                del self._known_schemas[schema_id]  # it may be registered before its next record

    def _stood(self, now_ms: int, heard: Heard) -> None:
        if heard.processes is not None:
            self._core.shared_by(heard.processes)
        for subscription_id, standing in heard.standings.items():
            self._core.standing(now_ms, subscription_id, standing, ago_ms=heard.ago_ms)

    def _named(self, now_ms: int, told: tuple[str, Resolution]) -> None:
        self._core.named(now_ms, *told)

    def _ordered_seen(self, _now_ms: int, seen: OrderedSeen) -> None:
        self._core.ordered_seen(seen)

    def _checked(self, now_ms: int, marks: Mapping[str, bool]) -> None:
        for delivery_id, succeeded in marks.items():
            self._core.checked(now_ms, delivery_id, succeeded=succeeded)

    def _were_replaced(self, _now_ms: int, names: Sequence[str]) -> None:
        self._core.replaced(names)
