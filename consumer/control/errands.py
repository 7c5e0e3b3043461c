"""Errands: requests that came with an Idempotency-Key, as the state topic has them. Pure.

The law: of the claims to one errand the first by offset holds, and of its answers the first. So every process that has
read so far knows alike who does it, and what everybody is told who asks again within 24 h.

    nothing ──claim──► claimed ──answer──► answered ──24 h──► nothing
       ▲                  │ └──60 s without an answer: the next claim holds, for the same work
       └──given up────────┘
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from consumer.events.event import Record
from consumer.kafka.state_kind import StateKind
from consumer.schemas import avro_history
from consumer.shares import Busy, Shares
from consumer.telemetry.bugs import decoded
from consumer.webhooks.subscription import SealedSecret
from consumer.wire import RecordCorrupt, WireFormat

_log = structlog.get_logger("errands")

KEPT_MS: Final = 24 * 3_600_000
CLAIMED_MS: Final = 60_000
"""No request takes so long: who claimed it is gone."""

MOST: Final = 100_000
OF_A_TENANT: Final = 10_000
"""How many are kept at most, and of one tenant: beyond it his oldest are forgotten, and nobody else's."""

_ERRAND: Final = StateKind(b"errand:")
ERRAND: Final = WireFormat(avro_history("Errand"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One request. `work` names what it makes, whoever does it; `claimant` who does it; no `answer`: not done yet.

    `seed` is what is drawn for it; None once it is done.
    """

    tenant: str = ""
    work: str
    claimant: str
    fingerprint: bytes
    at_ms: int
    answer: SealedSecret | None = field(default=None, repr=False)
    seed: SealedSecret | None = field(default=None, repr=False)


def record_key(name: str) -> bytes:
    """Under which an errand is kept on the state topic."""
    return _ERRAND.key_of(name)


def is_one(key: bytes) -> bool:
    """Whether the record of this key is an errand."""
    return _ERRAND.name_of(key) is not None


def encode(errand: Errand) -> bytes:
    """The record's value."""
    return ERRAND.encode(
        {
            "work": errand.work,
            "claimant": errand.claimant,
            "fingerprint": errand.fingerprint,
            "at_ms": errand.at_ms,
            "answer": _row(errand.answer),
            "tenant": errand.tenant,
            "seed": _row(errand.seed),
        }
    )


def _row(sealed: SealedSecret | None) -> dict[str, str | bytes] | None:
    return None if sealed is None else {"key_id": sealed.key_id, "sealed": sealed.sealed}


def _sealed(row: dict[str, Any] | None) -> SealedSecret | None:  # Any: as Avro reads it
    return None if row is None else SealedSecret(**row)


def decode(value: bytes) -> Errand:
    """Read the value of such a record.

    Raises:
        RecordCorrupt: it is none.
    """
    row = ERRAND.decode(value)
    return Errand(**row | {"answer": _sealed(row["answer"]), "seed": _sealed(row["seed"])})


def holds(current: Errand | None, incoming: Errand) -> bool:
    """Whether a record changes what is known of its errand."""
    if current is None or incoming.at_ms >= current.at_ms + KEPT_MS:
        return True
    if current.answer is not None:
        return False
    return incoming.answer is not None or incoming.at_ms >= current.at_ms + CLAIMED_MS


class Errands:
    """The fold of the state topic's `errand:` records. May be used by several threads; `apply` by one."""

    def __init__(self, *, most: int = MOST, of_a_tenant: int = OF_A_TENANT) -> None:
        self._lock = threading.Lock()
        self._places = Shares("errands", places=most, share=of_a_tenant)
        self._leaving: dict[str, Callable[[], None]] = {}
        self._errands: OrderedDict[str, Errand] = OrderedDict()
        self._names: dict[str, OrderedDict[str, None]] = {}  # each tenant's, the oldest first
        self._forgotten: deque[str] = deque()

    def apply(self, record: Record) -> None:
        """Take a record of the state topic; those of other kinds are passed over."""
        name = _ERRAND.name_of(record.key)
        if name is None:
            return
        try:
            incoming = None if record.value is None else decoded(record, decode, record.value)
        except RecordCorrupt as error:
            _log.error("not an errand", partition=record.partition, offset=record.offset, error=str(error))
            return
        with self._lock:
            if incoming is None:
                self._drop(name)
            elif holds(self._errands.get(name), incoming):
                self._drop(name)
                self._leaving[name] = self._place(incoming.tenant)
                self._errands[name] = incoming
                self._names.setdefault(incoming.tenant, OrderedDict())[name] = None

    def forget(self) -> None:
        """Begin anew: the records came from a topic that is no more."""
        with self._lock:
            for name in [*self._errands]:
                self._drop(name)
            self._forgotten.clear()

    def find(self, name: str, now_ms: int) -> Errand | None:
        """What is known of an errand, unless it is too long ago."""
        with self._lock:
            found = self._errands.get(name)
        return None if found is None or now_ms >= found.at_ms + KEPT_MS else found

    def outdated(self, now_ms: int) -> list[str]:
        """The names of those that nobody may ask for any more: to be deleted from the topic."""
        with self._lock:
            gone = [*self._forgotten]
            self._forgotten.clear()
            for name, errand in self._errands.items():
                if now_ms < errand.at_ms + KEPT_MS:
                    break
                gone.append(name)
        return gone

    def _place(self, tenant: str) -> Callable[[], None]:
        """A place, made free by forgetting the tenant's own oldest, or the oldest of all where they are too many."""
        while True:
            try:
                return self._places.enter(tenant)
            except Busy as busy:
                oldest = next(iter(self._names[tenant] if busy.own else self._errands))
                self._drop(oldest)
                self._forgotten.append(oldest)

    def _drop(self, name: str) -> None:
        if (errand := self._errands.pop(name, None)) is None:
            return
        self._leaving.pop(name)()
        names = self._names[errand.tenant]
        del names[name]
        if not names:
            del self._names[errand.tenant]
