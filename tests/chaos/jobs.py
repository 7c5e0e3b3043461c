"""Jobs asked for while everything else happens: by a customer, over the API, who asks again until he is answered.

The law: a request is repeated under one Idempotency-Key until something else than "not now" comes back. So it asks for
one job, however often the API, the role `jobs`, Kafka or Redis were away meanwhile.

Recoveries are for webhooks that are made after the events which they want, and want no others: so what each of them is
owed is known, and no event costs more than it would.
"""

import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import httpx

from consumer.control import writes
from consumer.control.refusal import Conflict
from consumer.jobs.conduct import AskedJob
from consumer.jobs.directory import Jobs as Directory
from consumer.jobs.job import Asked, Job, State
from consumer.kafka.client import KafkaBroken
from tests.acceptance.happenings import Hook
from tests.acceptance.receiver import Temper
from tests.acceptance.stage import Stage
from tests.chaos.arena import LATER, Arena, later_hook, steady_hooks

_AGAIN_S: Final = 0.5
_BETWEEN_S: Final = 0.7
_LOOK_S: Final = 1.0
_NUMBERS: Final = 600
"""So many of the last events a recovery is about; an eighth of them are its tenant's."""
_PER_S: Final = 25
_WAITS: Final = frozenset({State.COUNTED, State.PAUSED})
_REFUSED: Final = frozenset({404, 409, 410})
"""What may be said to a customer who asks at such a time: it is not listed, it has ended, it is on its way."""


class Jobs:
    """Asks for one job after the other, until told to stop. `hooks` are the webhooks that were made for recoveries."""

    def __init__(self, arena: Arena, published: Callable[[], int], seed: int) -> None:
        """`published` says how many events were meant until now."""
        self._arena = arena
        self._published = published
        self._chance = random.Random(f"{seed}/jobs")  # chosen, not guarded
        self._client = httpx.Client(base_url=arena.api_url, timeout=10.0)
        self._steady = [hook for hook in steady_hooks() if hook.temper is Temper.HEALTHY and hook.ordering == "none"]
        self._dead = next(hook for hook in steady_hooks() if hook.temper is Temper.DEAD)
        self.hooks: dict[str, Hook] = {}

    def run(self, stop: threading.Event, *, every_s: float) -> None:
        """One after the other."""
        turns: Sequence[Callable[[threading.Event], None]] = (
            self._recovered,
            self._resent,
            lambda stop: self._recovered(stop, "pause", "resume"),
            self._replayed,
            lambda stop: self._recovered(stop, "cancel"),
            self._resent,
            lambda stop: self._replayed(stop, "pause", "resume"),
            self._replayed_in_vain,
        )
        turn = 0
        while not stop.wait(every_s):
            turns[turn % len(turns)](stop)
            turn += 1

    def end(self, *, within_s: float) -> None:
        """Wait until all have ended; those that wait for their customer are canceled.

        Raises:
            AssertionError: one has not ended in time.
        """
        until_s = time.monotonic() + within_s
        never = threading.Event()
        while left := [(asked, job) for asked, job in jobs_of(self._arena.stage) if job is None or not job.ended]:
            assert time.monotonic() < until_s, f"jobs that did not end: {left}"
            for asked, job in left:
                if job is not None and job.state in _WAITS:
                    self._told("POST", f"/v1/jobs/{asked.id}/cancel", asked.owner.tenant, None, never)
            time.sleep(_LOOK_S)
        self._client.close()

    # ── what is asked for ────────────────────────────────────────────────────────────────────────────────────────

    def _recovered(self, stop: threading.Event, *wishes: str) -> None:
        number, end = len(self.hooks), self._published()
        if number == LATER:
            return
        hook = later_hook(number, end - _NUMBERS, end)
        if self._made(hook, stop):
            self.hooks[hook.name] = hook
            body = {"since": "2m", "ratePerS": _PER_S}
            self._asked(f"/v1/webhooks/{hook.name}/recover", hook.tenant, body, wishes, stop)

    def _replayed(self, stop: threading.Event, *wishes: str) -> None:
        """What was accepted a moment ago, once more."""
        hook = self._chance.choice(self._steady)
        body = {"filter": {"status": ["delivered"], "since": "4s"}, "again": True, "ratePerS": _PER_S}
        self._asked(f"/v1/webhooks/{hook.name}/replay", hook.tenant, body, wishes, stop)

    def _replayed_in_vain(self, stop: threading.Event) -> None:
        """What an endpoint that accepts nothing did not accept."""
        self._asked(f"/v1/webhooks/{self._dead.name}/replay", self._dead.tenant, {"filter": {}}, (), stop)

    def _resent(self, stop: threading.Event) -> None:
        """One of the latest deliveries, once more."""
        hook = self._chance.choice(self._steady)
        listed = self._told("GET", f"/v1/deliveries?webhook={hook.name}&limit=20", hook.tenant, None, stop)
        if listed and listed["data"]:
            delivery = self._chance.choice(listed["data"])["id"]
            self._told("POST", f"/v1/deliveries/{delivery}/resend", hook.tenant, {"again": True}, stop)

    def _asked(
        self, path: str, tenant: str, body: Mapping[str, Any], wishes: Sequence[str], stop: threading.Event
    ) -> None:
        job = self._told("POST", path, tenant, body, stop)
        for wish in wishes if job else ():
            stop.wait(_BETWEEN_S)
            self._told("POST", f"/v1/jobs/{job['id']}/{wish}", tenant, None, stop)

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _told(
        self, method: str, path: str, tenant: str, body: Mapping[str, Any] | None, stop: threading.Event
    ) -> dict[str, Any]:
        """What is answered; nothing where it was refused, or until `stop` nobody said anything."""
        headers = {"Authorization": f"Bearer {self._arena.operator_key}", "Hookline-Tenant": tenant}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(8)
        while not stop.is_set():
            try:
                answer = self._client.request(method, path, json=body, headers=headers)
            except httpx.HTTPError:
                stop.wait(_AGAIN_S)
                continue
            if answer.is_server_error or "retry-after" in answer.headers:
                stop.wait(_AGAIN_S)
                continue
            assert answer.is_success or answer.status_code in _REFUSED, (path, answer.status_code, answer.text)
            told: dict[str, Any] = answer.json() if answer.is_success else {}
            return told
        return {}

    def _made(self, hook: Hook, stop: threading.Event) -> bool:
        """Make its webhook: a write that was not acknowledged may have been made."""
        subscription = self._arena.subscription(hook)
        while not stop.is_set():
            try:
                writes.write(self._arena.settings, subscription)
            except Conflict:
                return True
            except KafkaBroken:
                stop.wait(_AGAIN_S)
            else:
                return True
        return False


def jobs_of(stage: Stage) -> list[tuple[Asked, Job | None]]:
    """Every job that anybody asked for, and what became of it: None of one that was not heard of."""
    directory = Directory()
    for record in stage.read(stage.topics.jobs):
        directory.apply(record)
    known: Sequence[AskedJob] = [*directory.all()]
    return [(each.asked, each.job) for each in known] + [each for each in directory.unheard() if each[1] is None]
