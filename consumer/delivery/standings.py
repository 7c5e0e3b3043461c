"""The accounts of this process: which of them are to be told of, when, and what comes back.

The laws:
- a webhook has an account only while it is limited, behind, failing, waited for, or has keys that stopped; the others
  cost one look at a field;
- one report of an account is under way at a time: at once when something new is wanted, else four times a second while
  anything is to be told or learned;
- where nobody shares what processes know (`shared` is False), each goes by its own.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count

from consumer.delivery.account import EVERY_IDLE_MS, EVERY_MS, LINGERS_MS, Account
from consumer.delivery.lane import Lane
from consumer.delivery.standing import Report, Standing
from consumer.webhooks.subscription import Subscription

_TOLD_AT_ONCE = 256  # a turn of the loop has to be short
_EACH_MS = 2  # where very many learn only: so many ms for each, all together


class Standings:
    """By subscription. Of a webhook that is `awaited` something waits here, so its standing is listened for.

    `blocked`: how many keys have stopped in this process of the webhook whose lines are of this scope.
    """

    def __init__(
        self,
        *,
        shared: bool,
        awaited: Callable[[str], bool] = lambda _: False,
        blocked: Callable[[str], int] = lambda _: 0,
    ) -> None:
        self._shared = shared
        self._awaited = awaited
        self._blocked = blocked
        self._alone = not shared
        self._accounts: dict[str, Account] = {}
        self._due: list[tuple[float, int, Account]] = []
        self._order = count()
        self._processes = 1
        self.asking = 0  # reports that are under way

    def __len__(self) -> int:
        return len(self._accounts)

    def account(self, subscription_id: str) -> Account | None:
        """Its account, if it has one."""
        return self._accounts.get(subscription_id)

    # ── what happens here ────────────────────────────────────────────────────────────────────────────────────────

    def opened(self, subscription_id: str, tenant: str) -> Account:
        """Its account, a new one where there is none."""
        account = self._accounts.get(subscription_id)
        if account is None:
            account = self._accounts[subscription_id] = Account(subscription_id, tenant, alone=self._alone)
            account.allowance.processes = self._processes
        return account

    def joined(self, lane: Lane, subscription: Subscription) -> Account:
        """The account that this lane belongs to from now on."""
        account = self.opened(subscription.id, subscription.tenant)
        if lane not in account.lanes:
            account.lanes.append(lane)
            account.allowance.flying += len(lane.flying)
            lane.allowance = account.allowance
            account.limited(subscription.revision, subscription.rate_per_s, subscription.max_concurrency)
        return account

    def limited(self, lane: Lane, subscription: Subscription) -> bool:
        """The webhook's limits as they are in this view of it. True when they are others."""
        account = self.joined(lane, subscription) if lane.allowance is None else self._accounts[subscription.id]
        return account.limited(subscription.revision, subscription.rate_per_s, subscription.max_concurrency)

    def failed(self, lane: Lane, subscription: Subscription, now_ms: int) -> None:
        """A request of this lane was not answered."""
        if self._shared:
            account = self.joined(lane, subscription)
            if lane.breaker.closed:
                self.watch(account, now_ms)
            else:
                self.want(account, now_ms)

    def recovered(self, lane: Lane, now_ms: int) -> None:
        """A request of this lane was answered after others were not."""
        account = self._accounts.get(lane.key[0])
        if account is not None:
            self.want(account, now_ms)

    def landed(self, lane: Lane, now_ms: int) -> None:
        """A request of this lane is over. Places that it uses no longer are given back soon: others may want them."""
        allowance = lane.allowance
        if allowance is not None and allowance.leased and not (allowance.flying or lane.queue):
            self.watch(self._accounts[lane.key[0]], now_ms)

    def lacks(self, lane: Lane, now_ms: int) -> None:
        """This lane sleeps: if it is for what has to be asked for, ask."""
        if lane.lacks(now_ms):
            account = self._accounts.get(lane.key[0])
            if account is not None:
                self.want(account, now_ms)

    def put(self, now_ms: int, subscription_id: str, tenant: str, until_ms: float) -> None:
        """One more delivery of this webhook waits for its turn, until about then."""
        if self._shared:
            account = self.opened(subscription_id, tenant)
            account.put(until_ms)
            self.watch(account, now_ms)

    def taken(self, now_ms: int, subscription_id: str, tenant: str) -> None:
        """One that waited is taken up."""
        if self._shared:
            account = self.opened(subscription_id, tenant)
            account.taken()
            self.watch(account, now_ms)

    def stops(self, now_ms: int, subscription: Subscription, scope: str) -> None:
        """A key of this webhook has stopped here; its lines are of this scope."""
        if self._shared:
            account = self.opened(subscription.id, subscription.tenant)
            account.scope = scope
            self.watch(account, now_ms)

    def listen(self, now_ms: int, webhooks: Mapping[str, str]) -> None:
        """Something of these webhooks, by their tenants, waits here from now on."""
        if self._shared:
            for subscription_id, tenant in webhooks.items():
                self.watch(self.opened(subscription_id, tenant), now_ms)

    def left(self, lane: Lane) -> None:
        """This lane is forgotten."""
        account = self._accounts.get(lane.key[0])
        if account is not None and lane in account.lanes:
            account.lanes.remove(lane)
            if not (self._shared or account.lanes):
                del self._accounts[account.subscription_id]

    def want(self, account: Account, now_ms: int) -> None:
        """It wants something new: it is told of at once."""
        account.active_ms = now_ms
        self._report_at(account, account.soon_ms(now_ms))

    def watch(self, account: Account, now_ms: int) -> None:
        """It has something to tell, which does not press."""
        account.active_ms = now_ms
        self._report_at(account, max(now_ms, account.asked_ms + EVERY_MS))

    # ── what is told, and what comes back ────────────────────────────────────────────────────────────────────────

    def reports(self, now_ms: int) -> list[Report]:
        """What is to be told now; where it is very much, the rest of it the next time."""
        told: list[Report] = []
        while self._due and self._due[0][0] <= now_ms and len(told) < _TOLD_AT_ONCE:
            at_ms, _, account = heapq.heappop(self._due)
            if at_ms != account.next_ms or account.asking:
                continue
            account.next_ms = 0.0
            if self._is_active(account, now_ms) or account.standing_ms < account.asked_ms:
                told.append(account.report(now_ms, self._blocked_of(account)))
                self.asking += 1
            else:
                self._rest(account, now_ms)
        return told

    def leaving(self, now_ms: int) -> list[Report]:
        """The last reports, of what is still leased. Their answers come to nobody."""
        told = [each.report(now_ms) for each in self._accounts.values() if each.allowance.leased or each.blocked]
        return [replace(each, want=0, want_forward=0, places=each.flying) for each in told]

    def heard(
        self, now_ms: int, subscription_id: str, standing: Standing | None, *, ago_ms: float = 0.0
    ) -> Account | None:
        """What came back for a report that was sent so long ago; None: nothing."""
        account = self._accounts.get(subscription_id)
        if account is None or not account.asking:
            return None
        self.asking -= 1
        wanted_ms, account.next_ms = account.next_ms, 0.0
        account.heard(now_ms, standing, now_ms - ago_ms)
        wants = account.lease > 0 or any(lane.queue or lane.flying for lane in account.lanes)
        every_ms = EVERY_MS if wants else max(EVERY_IDLE_MS, len(self._accounts) * _EACH_MS)
        at_ms = max(now_ms, account.asked_ms + every_ms)
        self._report_at(account, min(at_ms, wanted_ms) if wanted_ms else at_ms)
        return account

    def shared_by(self, processes: int) -> None:
        """So many processes share what is limited."""
        if processes == self._processes:
            return
        self._processes = processes
        for account in self._accounts.values():
            account.allowance.processes = processes

    def wake_ms(self) -> int | None:
        """When the next report is due."""
        return int(self._due[0][0]) if self._due else None

    def _report_at(self, account: Account, at_ms: float) -> None:
        if not self._shared:
            return
        if account.next_ms == 0 or at_ms < account.next_ms:
            account.next_ms = at_ms
            if not account.asking:
                heapq.heappush(self._due, (at_ms, next(self._order), account))

    def _is_active(self, account: Account, now_ms: int) -> bool:
        stopped = account.blocked or self._blocked_of(account)  # or it is to be told that none has any more
        return bool(stopped) or account.is_active(now_ms) or self._awaited(account.subscription_id)

    def _blocked_of(self, account: Account) -> int:
        return self._blocked(account.scope) if account.scope else 0

    def _rest(self, account: Account, now_ms: int) -> None:
        """Nothing is to be told of it. It is forgotten when nobody remembers its sums and no lane needs it."""
        over_ms = max(account.asked_ms + LINGERS_MS, account.allowance.kept_until_ms)
        if account.lanes or now_ms < over_ms:
            account.next_ms = max(over_ms, now_ms + LINGERS_MS)
            heapq.heappush(self._due, (account.next_ms, next(self._order), account))
        else:
            del self._accounts[account.subscription_id]
