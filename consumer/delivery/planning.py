"""From a record to the deliveries it stands for: whom an event is for, and what has become of a webhook meanwhile.

The laws: nothing is planned without a view of the tenant that is young enough; and what a webhook no longer wants is
dropped only by a view newer than the one it was planned with.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from consumer.delivery import done_map
from consumer.delivery.attempting import Attempting
from consumer.delivery.boundary import Boundaries, Boundary, Bug
from consumer.delivery.delivery import Chunk, Delivery, delivery_id
from consumer.delivery.endings import Endings
from consumer.delivery.entry import Entry
from consumer.delivery.hold import Delayed
from consumer.delivery.lane import Job
from consumer.delivery.lining_up import LiningUp
from consumer.delivery.offsets import Window
from consumer.delivery.replaced import Replaced
from consumer.delivery.target import Target
from consumer.delivery.tenants import Loading, Tenants
from consumer.delivery.views import View
from consumer.events.event import Event, Record
from consumer.telemetry.count import Dropped
from consumer.webhooks.ordering import line_of
from consumer.webhooks.subscription import OnFailure, Status, Subscription

Work: TypeAlias = tuple[Entry, Event | Delayed]

_CHUNK = 100  # subscriptions in one chunk record
_LOOK_AGAIN_MS = 1_000  # whether the cache knows by now what a delivery was made for
_is_ordered = attrgetter("is_ordered")


class Planning:
    """The records that are decoded and due, until their deliveries are offered. `fan_out`: see `core.Rules`."""

    def __init__(
        self,
        fan_out: int,
        *,
        tenants: Tenants[Work],
        endings: Endings,
        attempting: Attempting,
        boundaries: Boundaries,
        lining_up: LiningUp,
        replaced: Replaced,
    ) -> None:
        self._fan_out = fan_out
        self._lining_up = lining_up
        self._replaced = replaced
        self._tenants = tenants
        self._endings = endings
        self._attempting = attempting
        self._boundaries = boundaries
        # Has waited for a tenant, with the view that came, or for a schema; goes on as the lanes have room.
        self._waited: deque[tuple[Work, View | None]] = deque()
        self._checking: dict[str, list[tuple[Entry, Delivery]]] = {}
        self._asked: list[str] = []

    @property
    def waits(self) -> bool:
        """Whether anything has waited and may go on as soon as there is room."""
        return bool(self._waited)

    @property
    def busy(self) -> bool:
        """Whether anything waits for an answer, or has waited for one."""
        return self._tenants.asking or bool(self._checking or self._waited)

    def asked(self) -> list[str]:
        """The deliveries for which the shell is to look whether they were accepted after all."""
        asked, self._asked = self._asked, []
        return asked

    def lost(self) -> None:
        """Partitions were lost: what waits for them is forgotten."""
        self._tenants.drop_waiting(_is_ours)
        self._waited = deque(waited for waited in self._waited if _is_ours(waited[0]))

    def loaded(self, now_ms: int, tenant: str, loading: Loading) -> None:
        """What the cache answered for a tenant."""
        self._waited += self._tenants.loaded(tenant, loading, now_ms)
        for entry, work in self._tenants.surplus(tenant):
            self._put_off(now_ms, entry, work)
        self.have_waited(now_ms)

    def have_come(self, now_ms: int, works: Iterable[Work]) -> None:
        """These have waited for a schema, and are decoded."""
        self._waited += ((work, None) for work in works)
        self.have_waited(now_ms)

    def have_waited(self, now_ms: int) -> None:
        """What waited goes on, but no faster than the lanes have room: it may be more than they may ever hold."""
        while self._waited and self._attempting.room:
            (entry, work), view = self._waited.popleft()
            self.go_on(now_ms, entry, work, view)

    def relieve(self, now_ms: int, window: Window) -> None:
        """Put off what this window waits for, of tenants that hold up nobody but themselves."""
        for entry, work in self._tenants.give_up(lambda work: work[0].window is window):
            self._put_off(now_ms, entry, work)

    def go_on(self, now_ms: int, entry: Entry, work: Event | Delayed, given: View | None = None) -> None:
        """Match, or look up the subscriptions a record names; either needs a view of the tenant.

        What waited for its tenant was `given` one, and uses it unless there is a newer one.
        """
        if entry.window.draining:
            return
        self._boundaries.take(entry)
        event = work if isinstance(work, Event) else work.event
        tenants = self._tenants
        view = tenants.look(event.tenant, now_ms) if given is None else tenants.newest(event.tenant, given, now_ms)
        if view is None:
            self._wait(now_ms, entry, work, event.tenant)
            return
        match work:
            case Event():
                self._match(now_ms, entry, work, view, tier=-1)
                if self._lining_up.waiting:
                    self._lining_up.matched(entry)
            case Chunk():
                self._unpack(now_ms, entry, work, view)
            case Delivery():
                self._again(now_ms, entry, work, view)
            case _:
                assert_never(work)

    def _wait(self, now_ms: int, entry: Entry, work: Event | Delayed, tenant: str) -> None:
        if self._tenants.has_its_share(tenant):
            self._put_off(now_ms, entry, work)
            return
        self._tenants.park(tenant, (entry, work), entry.size, now_ms)
        if isinstance(work, Event):
            self._lining_up.waits(entry, tenant)

    def _put_off(self, now_ms: int, entry: Entry, work: Event | Delayed) -> None:
        """It is matched later, elsewhere; nothing ordered waits for it any more."""
        self._endings.put_off(now_ms, entry, work)
        self._lining_up.matched(entry)

    def checked(self, now_ms: int, delivery_id: str, *, succeeded: bool) -> None:
        """Whether a delivery that was handed over was accepted after all. Where that mark was lost it is sent twice."""
        for entry, delivery in self._checking.pop(delivery_id, ()):
            if entry.window.closed:
                continue
            if succeeded:
                self._endings.drop(entry, "succeeded_late")
            else:
                self.go_on(now_ms, entry, replace(delivery, handed_over=False))

    def subscription(self, tenant: str, subscription_id: str) -> Subscription | None:
        """One of a tenant's, as known here, however long ago."""
        view = self._tenants.view(tenant)
        target = None if view is None else view.target(subscription_id)
        return None if target is None else target.subscription

    # ── an event ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _match(self, now_ms: int, entry: Entry, event: Event, view: View, *, tier: int) -> None:
        targets: Sequence[Target] | Bug
        try:
            targets = view.match(event)
        except Exception as error:  # noqa: BLE001 # contained
            targets = self._boundaries.met(Boundary.MATCH, entry, error)
        record, entry.record = entry.record, None
        if view.matcher.given_up:
            self._endings.counts["filters_given_up"] += view.matcher.take_given_up()
        if isinstance(targets, Bug):
            if record is None:
                raise AssertionError("an event keeps its record until it is matched")
            self._endings.reject(entry, record, targets.poison)
        elif not targets:
            self._endings.drop(entry, "no_subscribers")
        else:
            self._endings.counts["matched"] += 1
            if record is not None and tier < 0 and (targets[0].is_ordered or any(map(_is_ordered, targets[1:]))):
                targets = self._line_up(now_ms, entry, event, record, targets)
            if len(targets) > self._fan_out:
                self._split(now_ms, entry, event, targets, above=tier)
            else:
                self._deliver(now_ms, entry, event, targets, view, tier=tier, first_due_ms=now_ms)

    def _line_up(
        self, now_ms: int, entry: Entry, event: Event, record: Record, targets: Sequence[Target]
    ) -> list[Target]:
        """Send those deliveries to the ordered topic that have a line; the targets of the others."""
        others: list[Target] = []
        ended = entry.window.ended_before(entry.offset)
        for target in targets:
            subscription = target.subscription
            line = None
            if target.is_ordered:
                line = line_of(event.tenant, subscription.id, subscription.ordering, record.key, event.data)
            if line is None:
                others.append(target)
                continue
            name = delivery_id(event, subscription.id)
            if ended and done_map.short(name) in ended:
                entry.begun = True
                self._endings.count_drop("repeat")
                continue
            entry.open_one()
            delivery = Delivery(id=name, event=event, subscription_id=subscription.id, first_due_ms=now_ms, order=line)
            self._lining_up.put(entry, delivery, may=_may_go_direct(subscription))
        return others

    def _split(self, now_ms: int, entry: Entry, event: Event, targets: Sequence[Target], *, above: int) -> None:
        """A large fan-out is written as chunks first."""
        ids = [target.subscription.id for target in targets]
        for start in range(0, len(ids), _CHUNK):
            chunk = Chunk(event=event, subscription_ids=tuple(ids[start : start + _CHUNK]), first_due_ms=now_ms)
            self._endings.chunk(entry, chunk, above=above)
        entry.close_one()

    def _deliver(
        self,
        now_ms: int,
        entry: Entry,
        event: Event,
        targets: Sequence[Target],
        view: View,
        *,
        tier: int,
        first_due_ms: int,
    ) -> None:
        ended = entry.window.ended_before(entry.offset)
        entry.begun |= bool(ended)
        for target in targets:
            subscription_id = target.subscription.id
            name = delivery_id(event, subscription_id)
            if ended and done_map.short(name) in ended:
                self._endings.count_drop("repeat")
                continue
            delivery = Delivery(
                id=name,
                event=event,
                subscription_id=subscription_id,
                tier=tier,
                first_due_ms=first_due_ms,
            )
            entry.open += 1
            self._attempting.offer(now_ms, Job(entry=entry, delivery=delivery, target=target), view)
        entry.opened_all()

    # ── a record of a delay topic ────────────────────────────────────────────────────────────────────────────────

    def _unpack(self, now_ms: int, entry: Entry, chunk: Chunk, view: View) -> None:
        if chunk.unmatched:
            self._match(now_ms, entry, chunk.event, view, tier=chunk.tier)
            return
        unwanted = {each: reason for each in chunk.subscription_ids if (reason := _unwanted(view.target(each)))}
        if unwanted and view.seen_ms <= chunk.first_due_ms:
            self._wait_for_newer(now_ms, entry, chunk, view)
            return
        if unwanted and not self._tenants.is_sure(view, chunk.first_due_ms):
            self._endings.chunk(entry, replace(chunk, subscription_ids=tuple(unwanted)), above=chunk.tier)
        else:
            for reason in unwanted.values():
                self._endings.count_drop(reason)
        found = (view.target(each) for each in chunk.subscription_ids)
        targets = [target for target in found if target is not None and _unwanted(target) is None]
        self._deliver(now_ms, entry, chunk.event, targets, view, tier=chunk.tier, first_due_ms=chunk.first_due_ms)

    def _again(self, now_ms: int, entry: Entry, delivery: Delivery, view: View) -> None:
        target = view.target(delivery.subscription_id)
        if delivery.id in self._replaced:
            self._endings.drop(entry, "succeeded_late")
        elif delivery.handed_over:
            self._checking.setdefault(delivery.id, []).append((entry, delivery))
            self._asked.append(delivery.id)
        elif (
            target is not None
            and delivery.order is not None
            and entry.window.beside is None
            and not _may_go_direct(target.subscription)
        ):
            self._endings.line_up(entry, delivery)
        elif target is not None and _unwanted(target) is None:
            self._attempting.offer(now_ms, Job(entry=entry, delivery=delivery, target=target), view)
        elif not self._tenants.is_sure(view, delivery.first_due_ms):
            # A view older than what it was planned with may not know of it yet, or not that it goes on.
            self._wait_for_newer(now_ms, entry, delivery, view)
        else:
            self._endings.drop(entry, _unwanted(target) or "deleted")

    def _wait_for_newer(self, now_ms: int, entry: Entry, work: Delayed, view: View) -> None:
        tenant, tenants = work.event.tenant, self._tenants
        if tenants.is_crowded(tenant):
            self._put_off(now_ms, entry, work)
        elif view.seen_ms <= work.first_due_ms:
            tenants.park_for_newer(tenant, (entry, work), entry.size, now_ms)
        else:
            tenants.park_for_newer(tenant, (entry, work), entry.size, now_ms, after_ms=_LOOK_AGAIN_MS)


def _may_go_direct(subscription: Subscription) -> bool:
    """Whether it may be sent without the ordered topic: there alone a key can stop."""
    return subscription.on_failure is not OnFailure.BLOCK


def _unwanted(target: Target | None) -> Dropped | None:
    """Why nothing is delivered to it any more, when that is so."""
    if target is None:
        return "deleted"
    return "paused" if target.subscription.status is Status.PAUSED else None


def _is_ours(work: Work) -> bool:
    """Whether its partition still is."""
    return not work[0].window.closed
