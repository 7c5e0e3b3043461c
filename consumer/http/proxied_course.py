"""The course of a request that leaves through a proxy, and how a broken proxy is told from a refused endpoint.

The laws (beside those of `course.py`):
- what fails before the proxy was asked is the proxy's: nobody connects to it. It says nothing of an endpoint;
- what the proxy answers when it is asked is about the endpoint, or about the proxy, and does not say which. So is a
  connection that ends, or falls silent, behind the tunnel. A round of checks tells (`egress.py`): where it passes, a
  request that was refused is tried once more, and what follows then is its endpoint's doing; where it fails, the
  request comes back as unsent;
- while the proxy is broken no request leaves, and none is tried in order to find out. The first one waits for the first
  round too: a proxy that never worked costs nobody an attempt.

    begin ─► (an idle connection, which the proxy was asked for before) ─► sent
       └───► the proxy is connected to ─► asked ─┬─► the tunnel stands ─► TLS ─► sent ─► …
                      └─► broken                 └─► refused ─► the next of its addresses ─► … ─► suspect
"""

from itertools import count
from typing import Final, NamedTuple

import structlog

from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.delivery.names import REFUSED_DETAIL
from consumer.http.connection import BrokenError, ClosedError, Connection
from consumer.http.connections import ENDING, Connections
from consumer.http.course import Course
from consumer.http.dialing import Connected, Dialing
from consumer.http.egress import Egress, State
from consumer.http.guard import AddressGuard
from consumer.http.head_cache import HeadCache
from consumer.http.proxy import Place, Proxy, ProxyAddress
from consumer.http.proxy_tls import ProxyTls, proxy_context
from consumer.http.socket_exchange import Exchange
from consumer.signing.request import Request
from consumer.telemetry.outage import Outage

CHECK_S: Final = 5.0
ASKED_S: Final = 10.0
"""So long a proxy may take to connect to an endpoint. The webhook's own timeout begins behind that."""

_SUSPICIOUS: Final = frozenset({FailureKind.RESET, FailureKind.TIMEOUT, FailureKind.TLS})
_SILENT: Final = "the egress proxy did not answer in time when asked for the endpoint"
_CLOSED: Final = "the egress proxy closed the connection when asked for the endpoint"
_ENDED: Final = "closed the connection as soon as it was made"

_log = structlog.get_logger("egress")


class Suspect(NamedTuple):
    """A request that came to nothing, and its answer if the proxy works; None: then it begins, or begins again."""

    exchange: Exchange
    answer: Answer | None


class ProxiedCourse(Course):
    """Of all requests of one engine, and of its checks of the proxy. A check is a request that ends with its tunnel."""

    def __init__(
        self, guard: AddressGuard, connections: Connections, dialing: Dialing, proxy: Proxy, heads: HeadCache
    ) -> None:
        super().__init__(guard, connections, dialing)
        self._proxy = proxy
        self._at = ProxyAddress(proxy.at.host)
        self._context = proxy_context(proxy.authorities) if proxy.scheme == "https" else None
        self._heads = heads
        self._egress: Egress[Suspect] = Egress()
        self._checks: dict[int, Exchange] = {}
        self._names = count(-2, -1)  # no request's token, nor "none"
        self._resumed: list[Exchange] = []
        self._outage = Outage(_log, "egress proxy broken: no request leaves")

    @property
    def open(self) -> bool:
        return self._egress.state is not State.BROKEN

    @property
    def in_flight(self) -> int:
        return len(self.under_way) - len(self._checks)

    @property
    def next_s(self) -> float | None:
        times = [each for each in (super().next_s, self._egress.check_s) if each is not None]
        return min(times, default=None)

    def look(self, now_s: float) -> list[Exchange]:
        """Check the proxy when it is time."""
        if self._egress.check_s is not None and self._egress.check_s <= now_s:
            self._egress.begin(now_s)
            self._check(now_s)
        resumed, self._resumed = self._resumed, []
        return resumed

    def close(self) -> None:
        self._at.close()

    # ── from request to tunnel ───────────────────────────────────────────────────────────────────────────────────

    def begin(self, exchange: Exchange, now_s: float) -> None:
        match self._egress.state:
            case State.WORKS:
                super().begin(exchange, now_s)
            case State.UNTRIED | State.BROKEN:
                self._suspect(exchange, None, now_s)

    def try_next(self, exchange: Exchange, now_s: float) -> None:
        """The next of the proxy's own addresses."""
        if not self._dialing.try_next(exchange, now_s):
            self._broke(exchange, now_s, f"cannot be connected to: {exchange.problem}")

    def _dial(self, exchange: Exchange, addresses: list[str], now_s: float) -> None:
        if not addresses:
            self._end(exchange, now_s, FailureKind.ADDRESS_REFUSED, REFUSED_DETAIL)
            return
        exchange.targets = addresses[::-1]
        self._dial_proxy(exchange, now_s, ASKED_S)

    def _dial_proxy(self, exchange: Exchange, now_s: float, within_s: float) -> None:
        """To ask it for the next of the endpoint's addresses."""
        exchange.target, exchange.port = exchange.targets.pop(), self._proxy.at.port
        self._is_over_at(exchange, now_s + within_s)
        addresses = self._at.now(now_s)
        if not addresses:
            self._broke(exchange, now_s, "its name has no address")
        elif not self._dialing.begin(exchange, addresses, now_s):
            self._broke(exchange, now_s, f"cannot be connected to: {exchange.problem}")

    def _connected(self, exchange: Exchange, now_s: float, connected: Connected) -> None:
        assert exchange.to is not None
        tunnel = self._proxy.tunnel(exchange.target, exchange.to.port)
        over: ProxyTls | None = None
        if self._context is not None:
            try:
                over = ProxyTls(self._context, connected.socket, self._proxy.at.host)
            except OSError:  # it has closed the connection already
                connected.socket.close()
                self._broke(exchange, now_s, _ENDED)
                return
        connection = self._connections.made(connected, exchange, now_s, tunnel, over)
        connection.dig(b"")
        self._come_back(connection, 0)

    def go_on(self, exchange: Exchange, now_s: float, connection: Connection, what: int) -> None:
        if connection.tunnel is None:
            super().go_on(exchange, now_s, connection, what)
            return
        try:
            if connection.sending:
                connection.go_on()
            received = connection.receive_raw()
            stands = bool(received) and connection.dig(received)
        except ClosedError:
            self._refused(exchange, now_s, _CLOSED)
        except BrokenError as error:
            self._refused(exchange, now_s, error.detail)
        else:
            if stands:
                self._stands(exchange, now_s, connection)
            self._come_back(connection, what & ENDING)

    def _stands(self, exchange: Exchange, now_s: float, connection: Connection) -> None:
        if exchange.token in self._checks:
            self._passed(exchange, now_s)
            return
        exchange.connected_s = now_s
        self._is_over_at(exchange, now_s + exchange.request.timeout_ms / 1_000)
        self._go_through(exchange, connection)

    # ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────

    def time_out(self, exchange: Exchange, now_s: float) -> None:
        connection = self._connections.of(exchange.fd)
        if connection is None:
            self._broke(exchange, now_s, "cannot be connected to in time")
        elif connection.tunnel is not None:
            self._refused(exchange, now_s, _SILENT)
        else:
            super().time_out(exchange, now_s)

    def _refused(self, exchange: Exchange, now_s: float, why: str) -> None:
        """The proxy does not connect to the address that it was asked for."""
        self._leave(exchange)
        if exchange.token in self._checks:
            self._failed(exchange, now_s, why)
        elif exchange.targets:
            self._dial_proxy(exchange, now_s, ASKED_S)
        elif exchange.refused:
            super()._end(exchange, now_s, FailureKind.CONNECT, why)
        else:
            exchange.refused = True
            self._suspect(exchange, None, now_s)

    def _end(self, exchange: Exchange, now_s: float, kind: FailureKind, detail: str) -> None:
        answer = exchange.ended(kind, detail, now_s)
        if isinstance(answer, Failure) and answer.kind in _SUSPICIOUS:
            self._leave(exchange)
            self._suspect(exchange, answer, now_s)
        else:
            self.answers.append((exchange.token, answer))
            self.forget(exchange)

    def fail(self, exchange: Exchange, now_s: float, error: Exception) -> None:
        if exchange.token in self._checks:
            raise error  # nobody else's request is to blame
        super().fail(exchange, now_s, error)

    def forget(self, exchange: Exchange) -> None:
        super().forget(exchange)
        self._checks.pop(exchange.token, None)

    def _broke(self, exchange: Exchange, now_s: float, why: str) -> None:
        """The proxy cannot be asked for anything."""
        if exchange.token in self._checks:
            self._failed(exchange, now_s, why)
            return
        self._outage.met(reason=why)
        self._come_to_nothing([Suspect(exchange, None), *self._egress.broke(now_s)])

    def _suspect(self, exchange: Exchange, answer: Answer | None, now_s: float) -> None:
        """It waits for the checks, and for nothing else."""
        suspect = Suspect(exchange, answer)
        if self._egress.state is State.BROKEN:
            self._come_to_nothing([suspect])
            return
        self._deadlines.clear(exchange.token)
        self._egress.suspect(suspect, now_s)

    def _come_to_nothing(self, suspects: list[Suspect]) -> None:
        for exchange, _ in suspects:
            if self.under_way.get(exchange.token) is exchange:
                self.forget(exchange)
                self.unsent.append(exchange.token)

    # ── the checks ───────────────────────────────────────────────────────────────────────────────────────────────

    def _check(self, now_s: float) -> None:
        """Ask the proxy for each of its servers, and send them nothing."""
        for place in self._proxy.checks:
            asked = Request(url=f"https://{place}/", headers=(), body=b"", timeout_ms=int(CHECK_S * 1_000))
            check = Exchange(next(self._names), asked, self._heads, now_s)
            check.targets = [place.host]
            self._checks[check.token] = self.under_way[check.token] = check
        for check in list(self._checks.values()):  # none fails before all are there: the last one decides
            self._dial_proxy(check, now_s, CHECK_S)

    def _passed(self, check: Exchange, now_s: float) -> None:
        self.forget(check)
        for other in list(self._checks.values()):
            self.forget(other)
        self._outage.over()
        for exchange, answer in self._egress.passed(now_s):
            if self.under_way.get(exchange.token) is not exchange:
                continue  # cancelled meanwhile
            if answer is None:
                self._is_over_at(exchange, now_s + exchange.request.timeout_ms / 1_000)
                self._resumed.append(exchange)
            else:
                self.answers.append((exchange.token, answer))
                self.forget(exchange)

    def _failed(self, check: Exchange, now_s: float, why: str) -> None:
        self.forget(check)
        if not self._checks:
            assert check.to is not None
            self._outage.met(reason=why, asked_for=str(Place(host=check.target, port=check.to.port)))
            self._come_to_nothing(self._egress.failed(now_s))

    def _is_over_at(self, exchange: Exchange, when_s: float) -> None:
        self._deadlines.clear(exchange.token)
        self._deadlines.set(exchange.token, when_s)
