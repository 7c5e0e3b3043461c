"""Customers who make, change, pause and delete webhooks, and producers who publish events.

The law: what a producer was not told of may or may not be there; only what is in the log counts as published.
"""

import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from consumer.delivery.delivery import DeadLetter, Delivery, Trigger
from consumer.kafka.records import Replay
from consumer.replay.ledger import replayed_record
from consumer.replay.plan import Place, Planned, Planner, Skipped, chain_of, sent_again
from consumer.webhooks import draft, record
from consumer.webhooks.fields import MAX_CONCURRENCY, MAX_RATE_PER_S, MIN_RATE_PER_S
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import OnFailure, PayloadFormat, Retries, SigningProfile, Status, Subscription
from tests.simulation.broker import EVENTS, Broker
from tests.simulation.ledger import Published, name_of
from tests.simulation.plan import HOUR_MS, stream
from tests.simulation.timeline import START_MS

if TYPE_CHECKING:
    from tests.simulation.world import World

KEYRING = Keyring({"k1": bytes(32)})
_SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_TYPES = ("order.created", "order.line.added", "user.created")
_PATTERNS = ((), ("*",), ("order.*",), ("order.created", "user.created"), ("order.line.*",), ("user.created",))
_KINDS = ("a", "b", "c")
_PRODUCTS = (None, "p1", "p2")
_BLOCKS = 0.5  # of the webhooks; without an ordering it means nothing
_ONE_KEY = 0.7
_REPLAYED = 0.5
_BEFORE = 0.8
_RESENT = 0.2
_DROPS = 0.5
_RATES = (MIN_RATE_PER_S, 0.5, 50.0, 50.0, 50.0, 7_777.7, MAX_RATE_PER_S)
_CONCURRENCIES = (1, 2, 2, MAX_CONCURRENCY)
_APPLY_MS = 20
# One secret opens everywhere: sealing costs more than all else of a webhook, and the keyring has tests of its own.
_OPENED: dict[tuple[str, str], Subscription] = {}


class Customers:
    """All of them, from one stream."""

    def __init__(self, world: "World") -> None:
        plan = self._plan = world.plan
        self._timeline = world.timeline
        self._history = world.history
        self._faults = world.faults
        self._broker = world.broker
        self._redis = world.redis
        self._webhooks = world.webhooks
        self._ledger = world.ledger
        self._dice = stream(plan.seed, "customers")
        self._extreme = stream(plan.seed, "extreme numbers")
        self._orders = stream(plan.seed, "orders")
        self._blocks = stream(plan.seed, "blocks")
        self._unblocking: set[str] = set()
        self._replayed: set[str] = set()
        self._resends = stream(plan.seed, "resends")
        self._resent: set[str] = set()
        self._topics = world.topics
        self._unapplied: list[State] = []
        self._applying = False
        self._hosts: dict[str, str] = {}
        self._published = 0
        self._expected = 0
        self.finished = False
        self.last_ms = self._timeline.now_ms
        for number in range(plan.webhooks):
            self._hold(self._new(number), START_MS - HOUR_MS)
        self._plan_changes()
        self._timeline.after(0, self._burst)

    # ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────

    def met(self, state: State) -> None:
        """A record on the subscriptions topic: the projection will apply it, in order."""
        self._unapplied.append(state)
        if not self._applying:
            self._applying = True
            self._timeline.after(self._dice.randrange(1, _APPLY_MS), self._apply)

    def host_of(self, webhook: str) -> str:
        """Where a webhook pointed first."""
        return self._hosts[webhook]

    def _apply(self) -> None:
        if not self._redis.takes_writes:
            self._timeline.after(_APPLY_MS, self._apply)
            return
        waiting, self._unapplied = self._unapplied, []
        self._applying = False
        for state in waiting:
            self._hold(state, self._timeline.now_ms)

    def _hold(self, state: State, at_ms: int) -> None:
        if self._webhooks.applied(at_ms, state):
            self._redis.apply(state)
            self._history.add("projection", "applied", state.id, str(state.revision))
            return
        self._history.add("projection", "refused", state.id, str(state.revision))

    def _new(self, number: int) -> Subscription:
        dice = self._dice
        webhook = f"wh_{number}"
        # The first tenant has a third of all: its events fan out.
        tenant = f"t{0 if dice.random() < 0.3 else dice.randrange(self._plan.tenants)}"
        self._hosts[webhook] = f"{number}.example"
        now_ms = self._timeline.now_ms
        return replace(
            plain(webhook, tenant),
            url=f"https://{number}.example/{webhook}",
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
            event_types=dice.choice(_PATTERNS),
            product=dice.choice(_PRODUCTS) if dice.random() < 0.2 else None,
            filter_json=f'{{"kind":["{dice.choice(_KINDS)}"]}}' if dice.random() < 0.15 else None,
            retries=Retries.NONE if dice.random() < 0.05 else Retries.STANDARD,
            timeout_ms=dice.choice((1_000, 10_000, 30_000)),
            rate_per_s=self._extreme.choice(_RATES) if dice.random() < 0.05 else None,
            max_concurrency=self._extreme.choice(_CONCURRENCIES) if dice.random() < 0.05 else None,
            ordering=self._orders.choice(("none", "key", "key", "data.kind")) if self._plan.ordered else "none",
            on_failure=OnFailure.BLOCK if self._blocks.random() < _BLOCKS else OnFailure.DEAD_LETTER,
        )

    def _plan_changes(self) -> None:
        for number in range(self._plan.webhooks):
            if self._dice.random() < self._plan.changed:
                self._timeline.after(
                    self._dice.randrange(self._plan.faults_for_ms), partial(self._change, f"wh_{number}")
                )
        for number in range(self._plan.webhooks, self._plan.webhooks + 3):
            self._timeline.after(self._dice.randrange(self._plan.faults_for_ms), partial(self._make, number))

    def _make(self, number: int) -> None:
        self._write(self._new(number))

    def _change(self, webhook: str) -> None:
        current = self._webhooks.current(webhook)
        if not isinstance(current, Subscription):
            return
        changed = replace(
            current, changes=current.revision, revision=current.revision + 1, updated_at_ms=self._timeline.now_ms
        )
        match self._dice.randrange(5):
            case 0:
                self._write(replace(changed, status=Status.PAUSED))
                self._timeline.after(self._dice.randrange(1_000, 30_000), lambda: self._resume(webhook))
            case 1:
                self._write(Deletion.of(current))
            case 2:
                host = f"{self._dice.randrange(self._plan.webhooks * 2)}.example"
                self._write(replace(changed, url=f"https://{host}/{webhook}"))
            case 3:
                self._write(replace(changed, event_types=self._dice.choice(_PATTERNS)))
            case _:
                self._write(replace(changed, timeout_ms=5_000))
        if self._dice.random() < 0.2:
            self._write(replace(changed, name="the same revision again"))  # loses

    def _resume(self, webhook: str) -> None:
        current = self._webhooks.current(webhook)
        if isinstance(current, Subscription) and current.status is not Status.ACTIVE:
            self._write(replace(current, status=Status.ACTIVE, changes=current.revision, revision=current.revision + 1))

    def stopped(self, webhook: str, delivery_id: str) -> None:
        """A key has stopped: its customer hears of it, and lets it go on after a while."""
        if delivery_id not in self._unblocking:
            self._unblocking.add(delivery_id)
            self._timeline.after(self._blocks.randrange(500, 20_000), partial(self._unblock, webhook, delivery_id))

    def _unblock(self, webhook: str, delivery_id: str) -> None:
        """Some day he has had enough of it, and asks for no more stops."""
        self._unblocking.discard(delivery_id)
        current, now_ms, dice = self._webhooks.current(webhook), self._timeline.now_ms, self._blocks
        if not isinstance(current, Subscription):
            return
        self._faults.met("unblocked")
        one = delivery_id if dice.random() < _ONE_KEY else ""
        unblocked = draft.unblock(current, drop=dice.random() < _DROPS, delivery_id=one, now_ms=now_ms)
        if now_ms > START_MS + 2 * self._plan.faults_for_ms:
            unblocked = replace(unblocked, on_failure=OnFailure.DEAD_LETTER)
        self._write(unblocked)

    def buried(self, dead_letter: DeadLetter) -> None:
        """One of an ordered webhook: now and then it is replayed, one of a key."""
        line = dead_letter.delivery.order
        late = self._timeline.now_ms > START_MS + 3 * self._plan.faults_for_ms  # it may take all its time once more
        if late or line is None or line in self._replayed or self._blocks.random() >= _REPLAYED:
            return
        self._replayed.add(line)
        self._timeline.after(self._blocks.randrange(100, 20_000), partial(self._replay, dead_letter))

    def waits(self, delivery: Delivery) -> None:
        """Now and then it is sent again meanwhile."""
        late = self._timeline.now_ms > START_MS + 3 * self._plan.faults_for_ms
        was_met = delivery.id in self._resent
        if late or was_met or not self._plan.resends or delivery.trigger != Trigger.EVENT or delivery.tier == 0:
            return
        self._resent.add(delivery.id)
        if self._resends.random() < _RESENT:
            self._timeline.after(self._resends.randrange(100, 20_000), partial(self._resend, delivery))

    def _resend(self, delivery: Delivery) -> None:
        current = self._webhooks.current(delivery.subscription_id)
        if not isinstance(current, Subscription) or current.status is not Status.ACTIVE:
            return
        self._faults.met("sent again while it waits")
        replay = Replay(delivery_id=chain_of(delivery), generation=1, at_ms=self._timeline.now_ms)
        again = sent_again(
            delivery.event,
            current.id,
            replay,
            body=delivery.body,
            content_type=delivery.content_type,
            order=delivery.order,
            trigger=Trigger.RESEND,
        )
        record_ = replayed_record(self._topics, Planned(replay=replay, delivery=again))
        self._broker.append(record_.topic, record_.key, record_.value, record_.headers)

    def _replay(self, dead_letter: DeadLetter) -> None:
        current = self._webhooks.current(dead_letter.delivery.subscription_id)
        if not isinstance(current, Subscription):
            return
        place = Place.BEFORE if self._blocks.random() < _BEFORE else Place.AFTER
        planner = Planner(generations={}, statuses={current.id: current.status}, max_replays=1, place=place)
        match planner.plan(dead_letter, self._timeline.now_ms):
            case Planned() as planned:
                self._faults.met(f"replayed {place}")
                record_ = replayed_record(self._topics, planned)
                self._broker.append(record_.topic, record_.key, record_.value, record_.headers)
            case Skipped():
                return

    def _write(self, state: State) -> None:
        self._history.add("customer", "wrote", state.id, str(state.revision))
        value = None if isinstance(state, Deletion) else record.encode(state)
        headers = record.deletion_headers(state) if isinstance(state, Deletion) else ()
        self._broker.append("subscriptions", state.id.encode(), value, headers)

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _burst(self) -> None:
        for _ in range(self._plan.burst):
            if self._expected >= self._plan.deliveries:
                break
            self._publish()
        self.finished = self._expected >= self._plan.deliveries
        self.last_ms = self._timeline.now_ms
        if not self.finished:
            self._timeline.after(self._dice.randrange(1, 2 * self._plan.burst_every_ms), self._burst)

    def _publish(self) -> None:
        dice = self._dice
        number, self._published = self._published, self._published + 1
        kind, product = dice.choice(_KINDS), dice.choice(_PRODUCTS)
        event = Published(
            id=f"evt_{number}",
            type=dice.choice(_TYPES),
            tenant=f"t{0 if dice.random() < 0.1 else dice.randrange(self._plan.tenants)}",
            product=product,
            kind=kind,
            data=f'{{"n":{number},"kind":"{kind}"}}'.encode(),
            at_ms=self._timeline.now_ms,
        )
        odd = dice.random()
        if odd < 0.01:
            value = dice.choice((None, b"", b'{"type":"order.created"'))
            place = _place(self._broker, dice, None, value)
            self._ledger.not_events.add(place)
            self._history.add("producer", "published what is no event", name_of(place))
            if value is not None:
                self._ledger.never_events.add(place)
            return
        named = "" if product is None else f'"product":"{product}",'
        deadly = ' "deadly":1,' if self._plan.deadly and odd < 0.013 else ""
        if self._plan.odd and not deadly and odd < 0.03:
            deadly = dice.choice(('"odd":"decode",', '"odd":"match",'))
        event.ends_in_poison = bool(deadly)
        text = f'{{"id":"{event.id}","type":"{event.type}","tenant":"{event.tenant}",{named}{deadly}"data":'
        value = text.encode() + event.data + b"}"
        self._ledger.events[event.id] = event
        for _ in range(self._times(dice)):
            place = _place(self._broker, dice, event.tenant.encode(), value)
            event.places[place] = self._broker.now_ms(place[0])
            event.key = self._broker.logs[place[0]].records[-1].key
            self._ledger.at[place] = event
            self._history.add("producer", "published", event.id, f"{EVENTS}-{place[0][1]}@{place[1]}", event.tenant)
        self._expected += len(self._webhooks.required(event, event.at_ms))

    def _times(self, dice: random.Random) -> int:
        """A producer without idempotence that missed its acknowledgement writes again."""
        if self._faults.strikes(dice, 0.003):
            self._faults.met("event written twice")
            return 2
        return 1


def _place(
    broker: Broker, dice: random.Random, tenant: bytes | None, value: bytes | None
) -> tuple[tuple[str, int], int]:
    key = b"%d" % dice.randrange(64) if tenant is None or dice.random() < 0.5 else tenant
    record_ = broker.append(EVENTS, key, value)
    return (record_.topic, record_.partition), record_.offset


def plain(webhook: str, tenant: str) -> Subscription:
    """A webhook that nothing is known of but its tenant."""
    key = (webhook, tenant)
    opened = _OPENED.get(key)
    if opened is None:
        opened = _OPENED[key] = _plain(webhook, tenant)
    return opened


def _plain(webhook: str, tenant: str) -> Subscription:
    return Subscription(
        id=webhook,
        tenant=tenant,
        brand="hookline",
        url="",
        secret=KEYRING.seal(_SECRET, tenant=tenant, subscription_id=webhook),
        signing=SigningProfile.STANDARD,
        payload_format=PayloadFormat.STANDARD,
        created_at_ms=0,
        updated_at_ms=0,
    )
