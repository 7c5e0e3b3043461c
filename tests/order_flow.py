"""One partition of the ordered topic as a core reads it, in simulated time: who is sent how much of what.

Endpoints answer after 40 ms, and refuse each event so many times. What is left in the log is read again after 60 ms.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from msgspec import structs

from consumer.delivery.again import Again, Look
from consumer.delivery.core import Core
from consumer.delivery.delivery import Delivery
from consumer.delivery.intake import Content
from consumer.delivery.offsets import Position
from consumer.delivery.schedule import Schedule
from consumer.delivery.step import Step
from consumer.events.event import Record
from consumer.webhooks.ordering import line_of
from consumer.webhooks.reader import Loaded
from tests.deliveries import NOW_MS, ORDERED, delivery, event, limits, response, rules, subscription, target_of

LINES: Final = (ORDERED, 0)
SCHEDULE: Final = Schedule(
    delays_ms=(0, 1_000, 2_000, 600_000), names=("0s", "1s", "2s", "10m"), retry_for_ms=3_600_000, wait_for_ms=7_200_000
)
_TURN_MS: Final = 20
_TAKES_MS: Final = 40
_LOOK_MS: Final = 60
_BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook ordered by key. `burst` events are in the log at the start, then come `per_s`, of its keys in turn.

    Each event is refused so many times before it is accepted; None: always.
    """

    name: str
    keys: int
    tenant: str = "acme"
    burst: int = 0
    per_s: float = 0.0
    refused: int | None = 0


class Flow:
    """A core at work. `accepted`: how many events, by webhook."""

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self.accepted: Counter[str] = Counter()
        self._hooks = {hook.name: hook for hook in hooks}
        self._now_ms = NOW_MS
        self._log: list[tuple[Record, Delivery]] = []
        self._read = 0
        self._published: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._answers: list[tuple[int, int, int, str]] = []
        self._numbers = count()
        self._again: tuple[int, Again] | None = None
        of_limits = limits(in_flight=1_024, queued=4_000, lane_concurrency=32)
        self._core = Core(rules(of_limits=of_limits, schedule=SCHEDULE), decode=self._decode, target=target_of)
        self._core.assigned({LINES: Position(0)})

    def run(self, seconds: int) -> "Flow":
        """So long."""
        until_ms = self._now_ms + seconds * 1_000
        while self._now_ms < until_ms:
            self._publish()
            self._take()
            self._answer()
            self._look_again()
            while self._act(self._core.next(self._now_ms, self._now_ms)):
                pass
            self._core.positions()
            self._now_ms += _TURN_MS
        return self

    def _decode(self, record: Record) -> Content:
        return self._log[record.offset][1]

    def _publish(self) -> None:
        for hook in self._hooks.values():
            due = hook.burst + int((self._now_ms - NOW_MS) * hook.per_s / 1_000)
            for number in range(self._published[hook.name], due):
                offset = len(self._log)
                made = structs.replace(
                    event(f"{hook.name}-{number}", tenant=hook.tenant, offset=offset), time_ms=self._now_ms
                )
                line = line_of(hook.tenant, hook.name, "key", f"{number % hook.keys}".encode(), b"")
                assert line is not None
                record = Record(
                    topic=ORDERED, partition=0, offset=offset, key=line.encode(), value=b"", headers=(),
                    timestamp_ms=self._now_ms,
                )  # fmt: skip
                self._log.append(
                    (record, structs.replace(delivery(made, hook.name), order=line, first_due_ms=self._now_ms))
                )
            self._published[hook.name] = max(due, self._published[hook.name])

    def _take(self) -> None:
        if LINES not in self._core.paused:
            batch = self._log[self._read : self._read + min(_BATCH, self._core.room)]
            self._core.records(self._now_ms, [record for record, _ in batch])
            self._read += len(batch)

    def _answer(self) -> None:
        while self._answers and self._answers[0][0] <= self._now_ms:
            _, _, token, name = heapq.heappop(self._answers)
            webhook = name.rpartition("-")[0]
            refused = self._hooks[webhook].refused
            accepts = refused is not None and self._refused[name] >= refused
            self._core.answered(self._now_ms, token, response(200 if accepts else 500))
            if accepts:
                self.accepted[webhook] += 1
            self._refused[name] += 1

    def _look_again(self) -> None:
        if self._again is None or self._again[0] > self._now_ms:
            return
        (_, again), self._again = self._again, None
        look = Look(again)
        for record, _ in self._log[again.offset :]:
            stretch = look.meet(record.offset, record.key)
            if stretch is not None:
                look.take(stretch, record)
            if look.ends:
                break
        self._core.read_again(self._now_ms, look.found())

    def _act(self, step: Step) -> bool:
        """Whether there may be more to do in this turn."""
        for tenant in step.load:
            hooks = (hook for hook in self._hooks.values() if hook.tenant == tenant)
            made = tuple(
                subscription(hook.name, tenant=tenant, url=f"https://{hook.name}.example/", ordering="key")
                for hook in hooks
            )
            self._core.loaded(self._now_ms, tenant, Loaded(version="1", subscriptions=made))
        for token, _ in step.write:
            self._core.acknowledged(token)
        for token, request in step.send:
            name = dict(request.headers)["webhook-id"]
            heapq.heappush(self._answers, (self._now_ms + _TAKES_MS, next(self._numbers), token, name))
        if step.again is not None:
            self._again = (self._now_ms + _LOOK_MS, step.again)
        return bool(step.load or step.send)
