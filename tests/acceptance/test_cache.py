"""Redis is a cache: flushed or silent, it costs time and never an event.

The stop lasts as many seconds as STOPPED_S in the environment says, 30 by default.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial

import pytest
import redis

from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook, Publisher, owed
from tests.acceptance.hookline import Hookline
from tests.acceptance.ledger import judge
from tests.acceptance.receipts import Receiver
from tests.acceptance.stage import Stage
from tests.services.redis import Redis

STOPPED_S = float(os.environ.get("STOPPED_S", "30"))
TENANTS = 6
TENANT_NAMES = [f"tenant-{number}" for number in range(TENANTS)]
EVERY_S = 0.05
SILENCE_S = 5.0  # a call to Redis may take 500 ms before it is known that it does not answer

HOOKS = [
    Hook(name=f"hook-{number}-{each}", tenant=f"tenant-{number}") for number in range(TENANTS) for each in range(2)
]
NEW = [Hook(name=f"new-{number}", tenant=f"new-{number}") for number in range(3)]


class Load:
    """Events at a steady pace: one more for each tenant, again and again."""

    def __init__(self, publisher: Publisher, tenants: Sequence[str]) -> None:
        self._publisher = publisher
        self.tenants = list(tenants)
        self._number = 0

    def until(self, condition: Callable[[], object], *, within_s: float, missing: Callable[[], str]) -> float:
        """Keep it up until the condition is true; how many seconds that took. Raises as `deadline.until` does."""

        def another() -> object:
            self._number += 1
            self._publisher.publish(
                Happening(n=self._number, id=f"{tenant}-{self._number}", type="user.created", tenant=tenant)
                for tenant in self.tenants
            )
            return condition()

        return until(another, within_s=within_s, missing=missing, every_s=EVERY_S)


def _all_delivered(
    stage: Stage, running: Hookline, publisher: Publisher, receiver: Receiver, hooks: Sequence[Hook]
) -> None:
    promises = owed(publisher.flush(), hooks)
    stage.await_end(running, receiver, promises, within_s=45)
    assert running.stop()[0] == 0, running.tail
    receiver.read()
    verdict = judge(promises, receiver.receipts)
    assert verdict.broken() == ""
    assert verdict.duplicates == {}
    assert stage.buried() == []
    counted = [line["total"] for line in running.said("counters", role="deliver")]
    assert not any("dropped{no_subscribers}" in str(each) for each in counted), counted


def test_flushed_under_load(build_stage: BuildStage, private_redis: Redis) -> None:
    stage = build_stage(redis_url=private_redis.url())
    hooks = [*HOOKS, *NEW]
    with (
        stage.receiving(hooks) as receiver,
        stage.running("--processes", "1") as running,
        stage.publisher() as publisher,
        redis.Redis.from_url(private_redis.url()) as client,
    ):
        load = Load(publisher, TENANT_NAMES)
        load.until(lambda: _met(receiver, HOOKS), within_s=30, missing=lambda: f"nothing arrives\n{running.tail}")
        for number, new in enumerate(NEW, start=1):
            client.flushall()
            load.tenants.append(new.tenant)  # met for the first time while the cache is empty
            load.until(partial(_rebuilt, running, number), within_s=15, missing=lambda: f"not rebuilt\n{running.tail}")
            load.until(
                partial(_met, receiver, [new]),
                within_s=15,
                missing=lambda: f"new tenants are not delivered to\n{running.tail}",
            )
        _all_delivered(stage, running, publisher, receiver, hooks)


@pytest.mark.timeout(240 + STOPPED_S)
def test_stopped_under_load(build_stage: BuildStage, private_redis: Redis) -> None:
    stage = build_stage(redis_url=private_redis.url())
    hooks = [*HOOKS, *NEW]
    with (
        stage.receiving(hooks) as receiver,
        stage.running("--processes", "1") as running,
        stage.publisher() as publisher,
    ):
        load = Load(publisher, TENANT_NAMES)
        load.until(lambda: _met(receiver, HOOKS), within_s=30, missing=lambda: f"nothing arrives\n{running.tail}")
        load.tenants += [new.tenant for new in NEW]
        private_redis.pause()
        try:
            stopped_s = 0.0
            while stopped_s < STOPPED_S:
                stopped_s += load.until(
                    lambda: len(receiver.read()) >= len(HOOKS),
                    within_s=SILENCE_S,
                    missing=lambda: f"known tenants wait too\n{running.tail}",
                )
            assert not any(receipt.endpoint.startswith("new-") for receipt in receiver.receipts)
        finally:
            private_redis.resume()
        _all_delivered(stage, running, publisher, receiver, hooks)


def _met(receiver: Receiver, hooks: Sequence[Hook]) -> bool:
    receiver.read()
    return {receipt.endpoint for receipt in receiver.receipts} >= {hook.name for hook in hooks}


def _rebuilt(running: Hookline, times: int) -> bool:
    return len(running.said("rebuilding a part of the cache that was lost or changed")) >= times
