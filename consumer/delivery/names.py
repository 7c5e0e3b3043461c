"""What is known of hosts' names: which addresses a request may be sent to, for how long, and which names are asked for.

```
              look                        answered: addresses that may be called
  not known ───────► asked for ────────────────────────────────────────────────► known, for its time to live
       ▲  (or waits    │   │  answered: none, or none that may be called              │ look, when that is over
       │   for a       │   └──────────────────────────────► failed, for a moment      ▼
       │   place)      │ PATIENCE_MS without an answer: failed        known, and asked for again: used meanwhile
       └───────────────┴── when a failure's moment is over ──┘
```

The laws:
- a name is asked for once at a time, whoever waits for it; a tenant never has more than its share of the questions, so
  that names whose servers are silent hold up their own webhooks only;
- waiting for a place is no failure: a name without an answer fails PATIENCE_MS after it was asked for, not before;
- an address is checked before it is given, and a name whose addresses may not be called fails like one that does not
  exist: at once, and remembered for as long;
- a name that was known fails only when its servers say so, or say nothing for STALE_MS (RFC 8767).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, TypeAlias, assert_never

from consumer.delivery.answer import Failure, FailureKind
from consumer.shares import Busy, Shares

PATIENCE_MS: Final = 5_000
TTL_LEAST_MS: Final = 10_000
TTL_MOST_MS: Final = 300_000
FAILED_MS: Final = 5_000
STALE_MS: Final = 3_600_000
AT_ONCE: Final = 4_096
OF_A_TENANT: Final = 64
REMEMBERED: Final = 50_000
_FOR_EVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Addresses:
    """A host's addresses as text, each once, at least one; and for how long that is so."""

    addresses: tuple[str, ...]
    ttl_s: float = 0.0


@dataclass(frozen=True, slots=True)
class NoAddress:
    """The host does not exist, or has no address."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Whether the host has addresses could not be found out."""


Resolution: TypeAlias = Addresses | NoAddress | Unanswered
"""What name servers say of a name."""

Named: TypeAlias = tuple[str, ...] | Failure
"""The addresses that may be called, in the order in which to try them, or why there are none."""

Refuses: TypeAlias = Callable[[str], str | None]
"""Why an address may not be called, or None: it may (`http/guard.py`)."""

REFUSED_DETAIL: Final = "the endpoint's address is not allowed"
"""All that a customer learns of a refused address: neither the address nor why."""

_NONE: Final = Failure(kind=FailureKind.DNS, detail="the host's name has no address", elapsed_ms=0)
_SILENT: Final = Failure(kind=FailureKind.DNS, detail="no name server answered for the host's name", elapsed_ms=0)
_REFUSED: Final = Failure(kind=FailureKind.ADDRESS_REFUSED, detail=REFUSED_DETAIL, elapsed_ms=0)


def address_in(host: str) -> str | None:
    """The address that a URL's host is; None for a name. A stored URL writes addresses in one way only."""
    try:
        return str(ip_address(host))
    except ValueError:
        return None


def judged(resolution: Resolution, refuses: Refuses) -> Named:
    """The addresses that may be called; of several, those that may not are left out."""
    match resolution:
        case Addresses(addresses):
            return tuple(address for address in addresses if refuses(address) is None) or _REFUSED
        case NoAddress():
            return _NONE
        case Unanswered():
            return _SILENT
        case never:
            assert_never(never)


@dataclass(slots=True)
class _Remembered:
    """Used as it is until `until_ms`, and until `stale_ms` while nothing newer is to be had."""

    named: Named
    until_ms: int
    stale_ms: int


class Names:
    """Of one process. Whoever owns it asks for what `asked` names, and says what became of it by `answered`."""

    def __init__(self, refuses: Refuses, *, at_once: int = AT_ONCE, of_a_tenant: int = OF_A_TENANT) -> None:
        self._refuses = refuses
        self._shares = Shares("look-ups of names", places=at_once, share=of_a_tenant, monotonic_s=lambda: 0.0)
        self._known: dict[str, _Remembered] = {}  # the one asked for longest ago first
        self._under_way: dict[str, Callable[[], None]] = {}  # each with what gives its place back
        self._patient: dict[str, int] = {}  # of these, the ones still waited for: since when, longest first
        self._waiting: dict[str, dict[str, None]] = {}  # for a place: the names of each tenant, who waits longest first
        self._asked: list[str] = []

    @property
    def pending(self) -> bool:
        """Whether anything may wait for an answer."""
        return bool(self._patient or self._waiting)

    def look(self, tenant: str, host: str, now_ms: int) -> Named | None:
        """What is known of this name, which a request of this tenant needs; None: not yet, it is asked for.

        `host` is a name or an address, as a URL's host names it.
        """
        known = self._known.get(host)
        if known is not None and now_ms < known.until_ms:
            return known.named
        return self._renew(tenant, host, now_ms, known)

    def asked(self) -> Sequence[str]:
        """The names to ask for since this was last called, each to be answered once."""
        if not self._asked:
            return ()
        asked, self._asked = self._asked, []
        return asked

    def answered(self, host: str, resolution: Resolution, now_ms: int) -> None:
        """The answer for a name that was asked for: who waits for it may look again."""
        leave = self._under_way.pop(host)
        self._patient.pop(host, None)
        named = judged(resolution, self._refuses)
        known = self._known.get(host)
        if isinstance(resolution, Addresses) and not isinstance(named, Failure):
            ttl_ms = min(max(TTL_LEAST_MS, int(resolution.ttl_s * 1_000)), TTL_MOST_MS)
            self._remember(host, _Remembered(named, now_ms + ttl_ms, now_ms + ttl_ms + STALE_MS))
        elif isinstance(resolution, Unanswered) and known is not None and now_ms < known.stale_ms:
            known.until_ms = min(now_ms + FAILED_MS, known.stale_ms)
        else:
            self._remember(host, _Remembered(named, now_ms + FAILED_MS, 0))
        leave()
        self._fill(now_ms)

    def overdue(self, now_ms: int) -> Sequence[str]:
        """The names that have had no answer for too long: who waits for them may look again, and is told that."""
        if not self._patient:
            return ()
        overdue: list[str] = []
        for host, since_ms in self._patient.items():
            if now_ms - since_ms < PATIENCE_MS:
                break
            overdue.append(host)
        for host in overdue:
            del self._patient[host]
        return overdue

    def wake_ms(self) -> int | None:
        """When the next name will have had no answer for too long."""
        return next(iter(self._patient.values())) + PATIENCE_MS if self._patient else None

    def _renew(self, tenant: str, host: str, now_ms: int, known: _Remembered | None) -> Named | None:
        """Nothing is known of it, or no longer: have it asked for, unless it is an address."""
        if known is None and (address := address_in(host)) is not None:
            named = judged(Addresses((address,)), self._refuses)
            self._remember(host, _Remembered(named, _FOR_EVER, 0))
            return named
        if host not in self._under_way and not self._ask(tenant, host, now_ms):
            self._waiting.setdefault(tenant, {})[host] = None
        if known is not None and now_ms < known.stale_ms:
            return known.named
        return _SILENT if host in self._under_way and host not in self._patient else None

    def _ask(self, tenant: str, host: str, now_ms: int) -> bool:
        """Have it asked for in the tenant's share; False when there is no place."""
        try:
            self._under_way[host] = self._shares.enter(tenant)
        except Busy:
            return False
        self._patient[host] = now_ms
        self._asked.append(host)
        return True

    def _fill(self, now_ms: int) -> None:
        """One place is free: it goes to a tenant that waits for one and may have it, who waits longest first."""
        for tenant in list(self._waiting):
            hosts = self._waiting.pop(tenant)
            asked = self._ask_one(tenant, hosts, now_ms)
            if hosts:
                self._waiting[tenant] = hosts
            if asked:
                return

    def _ask_one(self, tenant: str, hosts: dict[str, None], now_ms: int) -> bool:
        """Have the first of these names asked for that still has to be, and take it out; False where none can be."""
        while hosts:
            host = next(iter(hosts))
            settled = self._is_settled(host, now_ms)
            if not settled and not self._ask(tenant, host, now_ms):
                return False
            del hosts[host]
            if not settled:
                return True
        return False

    def _is_settled(self, host: str, now_ms: int) -> bool:
        """Whether somebody else asked for it meanwhile."""
        known = self._known.get(host)
        return host in self._under_way or (known is not None and now_ms < known.until_ms)

    def _remember(self, host: str, known: _Remembered) -> None:
        self._known.pop(host, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[host] = known


class ProxysNames(Names):
    """For where a proxy looks names up: each leads to itself, and none is asked for."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)

    def look(self, tenant: str, host: str, now_ms: int) -> Named:
        """The name."""
        del tenant, now_ms
        return (host,)


class EveryName(Names):
    """For where names are nobody's business: each leads to one address, and none is asked for."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)

    def look(self, tenant: str, host: str, now_ms: int) -> Named:
        """That address."""
        del tenant, host, now_ms
        return _SOMEWHERE


_SOMEWHERE: Final = ("192.0.2.1",)
