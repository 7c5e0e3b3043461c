"""Where in a topic the records of one key lie: in the key's own partition.

The law: of the spans that are given, what is left out holds no record of the key, also when partitions were added
meanwhile. Until there were as many as now, the key's records may have gone to any of those that there were. So of the
other partitions what is older than the youngest of them is kept, and some minutes more: who writes learns of a new
partition late (`metadata.max.age.ms`), and dates what he writes by his own clock.

A partition without a record says nothing of its age: where there is one, nothing is left out.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from consumer.delivery.offsets import Partition
from consumer.kafka.partitioner import partition_of
from consumer.kafka.spans import Span

LEARNT_WITHIN_MS: Final = 400_000
"""90 s, and five minutes between two clocks."""

_EXACT_MS: Final = 60_000


class Times(Protocol):
    """See `SpanReader`."""

    def first_since(self, logs: Mapping[Partition, Span], since_ms: int) -> Mapping[Partition, int]: ...


def of_key(
    times: Times,
    key: bytes,
    logs: Mapping[Partition, Span],
    spans: Mapping[Partition, Span],
    *,
    since_ms: int,
    now_ms: int,
) -> dict[Partition, Span]:
    """The spans without what holds no record of the key. `logs` are all partitions of the one topic, whole.

    `since_ms` is about where the spans begin: the partitions' age is looked for from there on.

    Raises what `times` raises.
    """
    own = partition_of(key, len(logs))
    complete_ms = _complete_since(times, logs, max(0, since_ms - LEARNT_WITHIN_MS), now_ms)
    if complete_ms is None:
        return dict(spans)
    ends = times.first_since(logs, complete_ms + LEARNT_WITHIN_MS)
    return {
        place: span if place[1] == own else Span(span.begin, max(span.begin, min(span.end, ends[place])))
        for place, span in spans.items()
    }


def _complete_since(times: Times, logs: Mapping[Partition, Span], from_ms: int, now_ms: int) -> int | None:
    """The first time from `from_ms` on, or up to a minute later, at which every partition had a record; None: never."""

    def had_a_record(at_ms: int) -> bool:
        firsts = times.first_since(logs, at_ms)
        return all(firsts[place] > log.begin for place, log in logs.items())

    if had_a_record(from_ms):
        return from_ms
    before_ms, by_ms = from_ms, now_ms
    if not had_a_record(by_ms):
        return None
    while by_ms - before_ms > _EXACT_MS:
        middle_ms = (before_ms + by_ms) // 2
        if had_a_record(middle_ms):
            by_ms = middle_ms
        else:
            before_ms = middle_ms
    return by_ms
