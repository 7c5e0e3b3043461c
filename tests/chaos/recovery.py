"""How long after a fault's end deliveries flowed on every partition again, and what explains a duplicate. Pure.

The law: recovery is counted twice: from the end of the fault that is asked about, whatever came in between, and from
the end of the last fault that had begun before everything flowed again.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tests.acceptance.ledger import Pair
from tests.chaos.faults import Happened
from tests.chaos.schedule import Kind

# What was accepted so shortly before a fault may not be committed yet, also when a rebalance held the commits up.
_BEFORE_MS: Final = 5_000
# … and so long after it ended something may still end that began in it (an answer read late, a drain).
_AFTER_MS: Final = 2_000
# Whatever befalls these makes nobody send anything twice.
_HARMLESS: Final = frozenset(
    {
        Kind.KILL_PROJECTION,
        Kind.STOP_PROJECTION,
        Kind.KILL_LOG,
        Kind.STOP_LOG,
        Kind.KILL_JOBS,
        Kind.STOP_JOBS,
        Kind.REDIS_FLUSH,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """`after_ms` the fault's end every partition had delivered; None: the run was over before.

    `alone_ms` counts from the end of the last fault that came in between.
    """

    fault: Happened
    after_ms: int | None
    alone_ms: int | None


def recoveries(
    faults: Iterable[Happened], arrivals: Mapping[str, Sequence[int]], partition_of: Mapping[str, int], partitions: int
) -> list[Recovery]:
    """`arrivals`: when each event (by webhook-id) was accepted, by anybody."""
    times: defaultdict[int, list[int]] = defaultdict(list)
    for event, came in arrivals.items():
        if event in partition_of:
            times[partition_of[event]] += came
    rows = [sorted(times[number]) for number in range(partitions)]
    faults = list(faults)
    found: list[Recovery] = []
    for fault in faults:
        after_ms = _flowing_ms(rows, fault.ended_ms)
        ended_ms = fault.ended_ms
        while (flows_ms := _flowing_ms(rows, ended_ms)) is not None:
            later_ms = max((each.ended_ms for each in faults if each.began_ms < flows_ms), default=ended_ms)
            if later_ms <= ended_ms:
                break
            ended_ms = later_ms
        found.append(
            Recovery(
                fault=fault,
                after_ms=None if after_ms is None else after_ms - fault.ended_ms,
                alone_ms=None if flows_ms is None else flows_ms - ended_ms,
            )
        )
    return found


def silences(arrivals: Iterable[int], from_ms: int, until_ms: int) -> int:
    """The longest time between two arrivals, the borders included."""
    rows = [from_ms, *sorted(each for each in arrivals if from_ms <= each <= until_ms), until_ms]
    return max(later - earlier for earlier, later in pairwise(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What explains a duplicate, and how long before that fault its request came (0: while it lasted)."""

    kind: Kind
    before_ms: int


def explained(
    duplicates: Iterable[Pair], requests: Mapping[Pair, Sequence[int]], faults: Sequence[Happened]
) -> tuple[list[Cause], list[Pair]]:
    """The causes of the duplicates, and those without one. `requests`: when each of a pair's requests came, in order.

    A fault explains a duplicate when one of its requests but the last came while the fault lasted or shortly before,
    and the last only after it had begun: that request was in flight then, or its end was not committed. Of a delivery
    that is retried it may be one that failed: then two records of it went on. Of several faults the nearest is named.
    """
    causes: list[Cause] = []
    rest: list[Pair] = []
    able = [fault for fault in faults if fault.kind not in _HARMLESS]
    for pair in duplicates:
        cause = _cause(requests[pair], able)
        if cause is None:
            rest.append(pair)
        else:
            causes.append(cause)
    return causes, rest


def _cause(requests_ms: Sequence[int], faults: Sequence[Happened]) -> Cause | None:
    found = [
        Cause(kind=fault.kind, before_ms=max(0, fault.began_ms - at_ms))
        for fault in faults
        for at_ms in requests_ms[:-1]
        if fault.began_ms - _BEFORE_MS <= at_ms <= fault.ended_ms + _AFTER_MS and fault.began_ms <= requests_ms[-1]
    ]
    return min(found, key=lambda cause: cause.before_ms, default=None)


def _flowing_ms(rows: Sequence[Sequence[int]], from_ms: int) -> int | None:
    """When each partition had delivered at or after `from_ms`."""
    firsts = [_first(row, from_ms) for row in rows]
    known = [first for first in firsts if first is not None]
    return max(known) if len(known) == len(rows) else None


def _first(row: Sequence[int], from_ms: int) -> int | None:
    at = bisect_left(row, from_ms)
    return row[at] if at < len(row) else None
