"""Writes over HTTP at a fixed rate: creations, updates and deletions, by twenty tenants.

The law: every write is one that must succeed, so an answer other than 2xx is the API's.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.customer import Answer, Customer, Request
from bench.population import SMALL, Population
from bench.process import Use

A_SECOND = 200
_WARM_UP_S = 3
_PATCHED = 10  # of each tenant's webhooks, the oldest; deleted are the newest
_MIX = ("POST", "PATCH", "POST", "PATCH", "DELETE")
_BASE = "/v1/webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """`cpu_ms_each` is what the API's process used for one, all its threads."""

    answers: list[Answer]
    cpu_ms_each: float

    @property
    def took_ms(self) -> list[float]:
        return [answer.took_ms for answer in self.answers]

    def refused(self) -> list[Answer]:
        return [answer for answer in self.answers if not answer.good]


def needed(for_s: int) -> int:
    """How many webhooks a population must have at least."""
    deleted = (for_s + _WARM_UP_S) * A_SECOND // len(_MIX)
    return 2 * (deleted + (_PATCHED + 1) * len(SMALL))


async def measure(port: int, pid: int, population: Population, *, for_s: int) -> Writes:
    """Write for so long, after a warm-up of 3 s."""
    requests = list(_requests(population, (_WARM_UP_S + for_s) * A_SECOND))
    warm = _WARM_UP_S * A_SECOND
    async with Customer(port) as customer:
        await customer.ask_paced(requests[:warm], a_second=A_SECOND)
        use = Use(pid)
        answers = await customer.ask_paced(requests[warm:], a_second=A_SECOND)
    return Writes(answers=answers, cpu_ms_each=use.cpu_s * 1_000 / len(answers))


def _requests(population: Population, writes: int) -> Iterator[Request]:
    """The tenants in turn, each with every method in turn."""
    chosen = random.Random(5)
    stamp = time.time_ns()
    newest = {tenant: list(population.ids[tenant]) for tenant in SMALL}
    for number in range(writes):
        tenant = SMALL[number % len(SMALL)]
        key = population.keys[tenant]
        match _MIX[(number + number // len(SMALL)) % len(_MIX)]:
            case "POST":
                body = {"url": f"http://127.0.0.1:9/{number}", "topics": ["order.created"], "name": f"new {number}"}
                yield Request(method="POST", path=_BASE, key=key, body=body)
            case "PATCH":
                id_ = chosen.choice(population.ids[tenant][:_PATCHED])
                body = {"name": f"renamed {stamp} {number}", "topics": ["order.created", "order.paid"]}
                yield Request(method="PATCH", path=f"{_BASE}/{id_}", key=key, body=body)
            case method:
                yield Request(method=method, path=f"{_BASE}/{newest[tenant].pop()}", key=key)
