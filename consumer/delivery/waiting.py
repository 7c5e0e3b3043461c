"""Deliveries that do not start here and now: they wait in the delay topics, or their time is over.

The law: what waits is written before it ends here, and its webhook's standing tells how much waits of it.
"""

from consumer.delivery.delivery import Delivery
from consumer.delivery.endings import Endings
from consumer.delivery.giving_up import GivingUp
from consumer.delivery.lane import Job
from consumer.delivery.outcome import DeathReason
from consumer.delivery.schedule import Schedule, Wait
from consumer.delivery.traffic import Traffic


class Waiting:
    """Of one process."""

    def __init__(self, schedule: Schedule, *, traffic: Traffic, endings: Endings, giving_up: GivingUp) -> None:
        self._schedule = schedule
        self._traffic = traffic
        self._endings = endings
        self._giving_up = giving_up

    def wait(self, now_ms: int, job: Job, wait: Wait) -> None:
        """It does not start now. It waits in the delay topics, or is buried when its time is over."""
        if job.delivery.stopped_ms is not None:
            self._endings.stay(now_ms, job, job.delivery)
            return
        if self._schedule.is_for_a_turn(job.delivery, wait):
            until_ms, reason = self._schedule.waits_until_ms(job.delivery, now_ms), DeathReason.WAITED
        else:
            until_ms, reason = self._schedule.tried_until_ms(job.delivery, now_ms), DeathReason.EXPIRED
        if now_ms >= until_ms:
            self._giving_up.bury(now_ms, job, reason)
            return
        if wait.unreachable:
            waits_until_ms = min(until_ms, now_ms + int(wait.ms))
            self._endings.await_endpoint(now_ms, job, wait.ms, until_ms=until_ms)
        else:
            waits_until_ms = self._traffic.slot_ms(job, wait, now_ms, until_ms)
            self._endings.await_turn(now_ms, job, waits_until_ms)
        if is_in_backlog(job.delivery):
            self._traffic.waits(now_ms, job, waits_until_ms)

    def pass_on(self, now_ms: int, job: Job) -> None:
        """This process stops, and the job was not started: to whoever takes the work over, at once."""
        self._endings.pass_on(now_ms, job)
        if is_in_backlog(job.delivery):
            self._traffic.waits(now_ms, job, now_ms)


def is_in_backlog(delivery: Delivery) -> bool:
    """Whether its waits are those that its webhook's customer is told of: what was tried has its own log."""
    return delivery.attempts == 0
