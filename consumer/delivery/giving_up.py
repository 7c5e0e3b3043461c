"""Deliveries that are not tried again: dead-lettered, or, where the order says so, the stop of their key.

The law: who gives a delivery up comes here, whatever for; so a key that stops does so for every reason that stops one.
"""

from collections.abc import Callable
from typing import assert_never

from msgspec.structs import replace

from consumer.delivery.delivery import Delivery
from consumer.delivery.endings import Endings
from consumer.delivery.lane import Job
from consumer.delivery.order_partition import WEBHOOK
from consumer.delivery.outcome import DeathReason
from consumer.delivery.schedule import Schedule
from consumer.delivery.step import Delay
from consumer.delivery.stopping import SUSPENDS, Fate, fate, stops
from consumer.delivery.tidings import of_a_stop, told
from consumer.delivery.traffic import Traffic
from consumer.delivery.views import View
from consumer.delivery.words import of_death
from consumer.webhooks.subscription import Status


class GivingUp:
    """`view_of` gives the newest view of a tenant."""

    def __init__(
        self, schedule: Schedule, *, traffic: Traffic, endings: Endings, view_of: Callable[[str], View | None]
    ) -> None:
        self._schedule = schedule
        self._traffic = traffic
        self._endings = endings
        self._view_of = view_of

    def bury(self, now_ms: int, job: Job, reason: DeathReason) -> None:
        """It was not attempted, and is not to be."""
        self.give_up(now_ms, job, job.delivery, reason, of_death(reason, ""))

    def give_up(self, now_ms: int, job: Job, delivery: Delivery, reason: DeathReason, detail: str) -> None:
        """It is dead-lettered, or stops its key."""
        if not stops_its_key(job, reason):
            self._endings.bury(now_ms, job, delivery, reason, detail)
            return
        self._endings.counts["keys_blocked"] += 1
        self._stay(now_ms, job, replace(delivery, stopped_ms=now_ms))
        subscription = job.target.subscription
        view = self._view_of(subscription.tenant)
        notice = of_a_stop(subscription, delivery, of_death(reason, detail), now_ms)
        for chunk in () if view is None else told(view, subscription, notice, now_ms):
            self._endings.write(job.entry, Delay(tier=0, delayed=chunk))

    def stopped(self, now_ms: int, job: Job) -> None:
        """The head of a key that has stopped is looked at again."""
        stays_for_ms, crowded = self._schedule.wait_for_ms, self._endings.is_crowded(job)
        subscription = job.target.subscription
        match fate(job.delivery, subscription, now_ms, stays_for_ms=stays_for_ms, crowded=crowded):
            case Fate.STAYS:
                self._stay(now_ms, job, job.delivery)
            case Fate.TRIED:
                if self._traffic.offer(job, now_ms) is not None:
                    self._endings.stay(now_ms, job, job.delivery)
            case Fate.DROPPED:
                self.bury(now_ms, job, DeathReason.BLOCKED)
            case Fate.SUSPENDS:
                self.suspend(now_ms, job, SUSPENDS)
                self.bury(now_ms, job, DeathReason.SUSPENDED)
            case never:
                assert_never(never)

    def suspend(self, now_ms: int, job: Job, reason: str) -> None:
        """Once for a view of the tenant; from now on the subscription is taken as suspended."""
        subscription = job.target.subscription
        view = self._view_of(subscription.tenant)
        if subscription.status is Status.ACTIVE and (view is None or view.suspend(subscription.id)):
            self._endings.suspend(now_ms, job.entry, subscription, reason)

    def _stay(self, now_ms: int, job: Job, delivery: Delivery) -> None:
        """Its key has stopped with it; by the webhook's standing its customer hears of that."""
        self._endings.stay(now_ms, job, delivery)
        self._traffic.standings.stops(now_ms, job.target.subscription, (delivery.order or "")[:WEBHOOK])


def stops_its_key(job: Job, reason: DeathReason) -> bool:
    """Whether a delivery that is given up for this reason stops its key instead of being dead-lettered."""
    return job.entry.window.beside is not None and stops(job.target.subscription, reason)
