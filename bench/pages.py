"""Pages of a list of 50,000 webhooks, 100 on each, through the cursor.

The law: the list is walked from its first page to its last, and holds every webhook once; the first page, the one in
the middle and the last are then asked for again and again, in turn.
"""

import json
from dataclasses import dataclass

from bench.customer import Customer, Request
from bench.installation import BenchError
from bench.population import LARGE, Population

PLACES = ("first", "middle", "last")
_LIMIT = 100
_A_SECOND = 20
_EACH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """`walk_ms` are the times of all pages, one after another; `took_ms` those of three places, at a low rate."""

    walk_ms: list[float]
    took_ms: dict[str, list[float]]


async def measure(port: int, population: Population) -> Pages:
    """Walk, then ask for three pages a hundred times each.

    Raises:
        BenchError: a page was refused, or the list is not whole.
    """
    key = population.keys[LARGE]
    async with Customer(port) as customer:
        paths, walk_ms = await _walk(customer, key, population.ids[LARGE])
        asked = [paths[0], paths[len(paths) // 2], paths[-1]]
        requests = [Request(method="GET", path=path, key=key) for path in asked] * _EACH
        answers = await customer.ask_paced(requests, a_second=_A_SECOND)
    for answer in answers:
        if not answer.good:
            raise BenchError(str(answer))
    return Pages(
        walk_ms=walk_ms,
        took_ms={
            place: [answer.took_ms for answer in answers[number :: len(PLACES)]] for number, place in enumerate(PLACES)
        },
    )


async def _walk(customer: Customer, key: str, ids: list[str]) -> tuple[list[str], list[float]]:
    """Every page's path, and how long each took."""
    first = f"/v1/webhooks?limit={_LIMIT}"
    paths = [first]
    took_ms: list[float] = []
    found: list[str] = []
    while True:
        answer = await customer.ask(Request(method="GET", path=paths[-1], key=key))
        if not answer.good:
            raise BenchError(str(answer))
        page = json.loads(answer.body)
        took_ms.append(answer.took_ms)
        found += [each["id"] for each in page["data"]]
        if page["nextCursor"] is None:
            break
        paths.append(f"{first}&cursor={page['nextCursor']}")
    if found != ids:
        raise BenchError(f"{LARGE} has {len(ids)} webhooks, and the walk found {len(found)}, or in another order")
    return paths, took_ms
