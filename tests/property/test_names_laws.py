"""Names known, asked for and waited for, as a state machine: time is an argument, and so is what name servers say."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from consumer.delivery.answer import Failure, FailureKind
from consumer.delivery.names import (
    FAILED_MS,
    PATIENCE_MS,
    STALE_MS,
    TTL_LEAST_MS,
    TTL_MOST_MS,
    Addresses,
    Names,
    NoAddress,
    Resolution,
    Unanswered,
)

AT_ONCE, OF_A_TENANT = 4, 2
HOSTS = st.sampled_from([f"{number}.example" for number in range(8)])
TENANTS = st.sampled_from("abcd")
PUBLIC, PRIVATE = "192.0.2.1", "10.0.0.1"
SAID = st.one_of(
    st.builds(
        Addresses,
        st.sampled_from([(PUBLIC,), (PRIVATE,), (PRIVATE, PUBLIC), ("192.0.2.2", PUBLIC)]),
        st.sampled_from([0.0, 30.0, 100_000.0]),
    ),
    st.just(NoAddress()),
    st.just(Unanswered()),
)
PASSES = st.sampled_from([0, 1, FAILED_MS, PATIENCE_MS, TTL_LEAST_MS, 30_000, TTL_MOST_MS, STALE_MS])


def refuses(address: str) -> str | None:
    return "private" if address == PRIVATE else None


class Machine(RuleBasedStateMachine):
    """Keeps beside the names what they should know: of each name the last answer, and who waits for what."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000_000
        self.names = Names(refuses, at_once=AT_ONCE, of_a_tenant=OF_A_TENANT)
        self.said: dict[str, tuple[int, Resolution]] = {}
        self.good: dict[
            str, tuple[int, tuple[str, ...]]
        ] = {}  # stale from then on: the last addresses that may be called
        self.under_way: dict[str, int] = {}
        self.waits: dict[str, set[str]] = {}  # hosts that somebody was told to wait for, with the tenants

    def _take(self) -> None:
        for host in self.names.asked():
            assert host not in self.under_way, "asked for twice at a time"
            self.under_way[host] = self.now_ms

    @rule(tenant=TENANTS, host=HOSTS)
    def look(self, tenant: str, host: str) -> None:
        found = self.names.look(tenant, host, self.now_ms)
        self._take()
        match found:
            case None:
                self.waits.setdefault(host, set()).add(tenant)
                assert host not in self.said or self.now_ms >= self.said[host][0] + FAILED_MS
                assert self.now_ms - self.under_way.get(host, self.now_ms) < PATIENCE_MS
            case Failure(kind=kind):
                at_ms, resolution = self.said.get(host, (0, Unanswered()))
                fresh = self.now_ms < at_ms + FAILED_MS
                given_up = self.now_ms - self.under_way.get(host, self.now_ms) >= PATIENCE_MS
                assert fresh or given_up
                if fresh and not given_up:
                    refused = isinstance(resolution, Addresses)
                    assert kind is (FailureKind.ADDRESS_REFUSED if refused else FailureKind.DNS)
                if host in self.good and not isinstance(resolution, Addresses | NoAddress):
                    assert self.now_ms >= self.good[host][0] + STALE_MS
            case addresses:
                until_ms, good = self.good[host]
                assert addresses == good
                assert PRIVATE not in addresses
                assert self.now_ms < until_ms + STALE_MS
                assert self.now_ms < until_ms or host in self.under_way or self._is_put_off(host)

    def _is_put_off(self, host: str) -> bool:
        """Nobody answered a moment ago, or there is no place to ask."""
        at_ms, resolution = self.said[host]
        recently = isinstance(resolution, Unanswered) and self.now_ms < at_ms + FAILED_MS
        return recently or any(host in hosts for hosts in self.names._waiting.values())

    @rule(data=st.data(), resolution=SAID)
    def answer(self, data: st.DataObject, resolution: Resolution) -> None:
        if not self.under_way:
            return
        host = data.draw(st.sampled_from(sorted(self.under_way)))
        del self.under_way[host]
        self.said[host] = (self.now_ms, resolution)
        self.waits.pop(host, None)
        callable_ = (
            tuple(address for address in resolution.addresses if address != PRIVATE)
            if isinstance(resolution, Addresses)
            else ()
        )
        if isinstance(resolution, Addresses) and callable_:
            ttl_ms = min(max(TTL_LEAST_MS, int(resolution.ttl_s * 1_000)), TTL_MOST_MS)
            self.good[host] = (self.now_ms + ttl_ms, callable_)
        elif not isinstance(resolution, Unanswered):
            self.good.pop(host, None)
        elif host in self.good and self.now_ms >= self.good[host][0] + STALE_MS:
            del self.good[host]
        self.names.answered(host, resolution, self.now_ms)
        self._take()

    @rule(passes_ms=PASSES)
    def time_passes(self, passes_ms: int) -> None:
        self.now_ms += passes_ms
        wake_ms = self.names.wake_ms()
        overdue = self.names.overdue(self.now_ms)
        assert bool(overdue) == (wake_ms is not None and wake_ms <= self.now_ms)
        for host in overdue:
            assert self.now_ms - self.under_way[host] >= PATIENCE_MS
            self.waits.pop(host, None)

    @invariant()
    def nobody_has_more_than_his_share(self) -> None:
        assert len(self.under_way) <= AT_ONCE
        assert set(self.names._under_way) == set(self.under_way)
        taken: Counter[str] = self.names._shares._taken
        assert all(places <= OF_A_TENANT for places in taken.values())
        assert sum(taken.values()) == len(self.under_way)

    @invariant()
    def who_waits_is_told_in_time(self) -> None:
        """Each name that is waited for is under way and on the clock, or waits for a place that is not free."""
        taken = self.names._shares._taken
        for host, tenants in self.waits.items():
            if host in self.under_way:
                assert host in self.names._patient
                continue
            queued = [tenant for tenant, hosts in self.names._waiting.items() if host in hosts]
            assert set(queued) & tenants
            assert len(self.under_way) == AT_ONCE or all(taken[tenant] == OF_A_TENANT for tenant in queued)

    @invariant()
    def it_pends_while_anybody_waits(self) -> None:
        assert self.names.pending or not self.waits


TestNames = Machine.TestCase
TestNames.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
