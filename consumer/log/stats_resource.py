"""A webhook's statistics as JSON: what the API answers and the command line prints. Pure.

The laws:
- the steps count every attempt there was, tests and failures of ours left out; the shares are of attempts that the log
  still lists, the newest, and say of how many and since when. A list that was cut says less than the steps do;
- how long something took is told of answers alone: a host's name that is looked up in vain tells nothing by its time.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from consumer.delivery.answer import OURS
from consumer.json import Json
from consumer.log.entry import Ended, Entry, Trigger
from consumer.log.explanation import of_attempt
from consumer.log.query import Page, Query, Row
from consumer.log.stats import Bucket, Period, Stats, buckets, total
from consumer.signing.timestamps import rfc3339

PERIODS: Final = {"24h": Period.DAY, "30d": Period.MONTH}
SHARED_OF: Final = 2_000
"""Attempts of which the shares are told."""
_SHARES_MOST: Final = 20
_COUNTED: Final = frozenset(Trigger) - {Trigger.TEST}


def asked(webhook: str, period: Period, now_ms: int) -> Query:
    """Which attempts the shares are of."""
    since_ms = (now_ms // period.step_ms - period.steps + 1) * period.step_ms
    return Query(webhooks=frozenset({webhook}), triggers=_COUNTED, since_ms=since_ms)


def told(
    webhook: str, period: Period, parts: Sequence[Stats] | None, page: Page | None, now_ms: int
) -> dict[str, Json]:
    """Of these statistics, None where they are not known, and of these listed attempts, None where none can be read."""
    steps = None if parts is None else buckets(parts, period, now_ms)
    return {
        "object": "stats",
        "webhook": webhook,
        "period": next(name for name, each in PERIODS.items() if each is period),
        "bucketSeconds": period.step_ms // 1_000,
        "buckets": None if steps is None else [{"start": rfc3339(each.start_ms), **_figures(each)} for each in steps],
        "totals": None if steps is None else _figures(total(steps)),
        "listed": None if page is None else _listed(page),
    }


def _figures(bucket: Bucket) -> dict[str, Json]:
    mean_ms = bucket.mean_ms
    return {
        "delivered": bucket.delivered,
        "failed": bucket.failed,
        "meanMs": None if mean_ms is None else round(mean_ms, 1),
        "worstMs": bucket.worst_ms if bucket.answers else None,
    }


def _listed(page: Page) -> dict[str, Json]:
    """Back to where each of the webhook's lists has all of it: of one that was cut earlier, less would be told."""
    entries = [row.entry for row in page.rows if _counts(row, page.indexed_from_ms or 0)]
    took_ms = sorted(entry.elapsed_ms for entry in entries if entry.status is not None)
    return {
        "attempts": len(entries),
        "since": rfc3339(min(entry.begun_ms for entry in entries)) if entries else None,
        "p50Ms": _percentile(took_ms, 50),
        "p95Ms": _percentile(took_ms, 95),
        "codes": _shares("code", map(_code, entries)),
        "causes": _shares("cause", filter(None, map(_cause, entries)), of=len(entries)),
        "types": _shares("type", (entry.event_type for entry in entries)),
    }


def _counts(row: Row, since_ms: int) -> bool:
    return row.entry.logged_ms >= since_ms and row.entry.failure not in OURS


def _percentile(rising: Sequence[int], percent: int) -> int | None:
    """The least of them that is not exceeded by so many of a hundred."""
    return rising[-(-len(rising) * percent // 100) - 1] if rising else None


def _shares(name: str, values: Iterable[str], *, of: int | None = None) -> list[Json]:
    """The most frequent first, those equally frequent by name."""
    counted = Counter(values)
    whole = counted.total() if of is None else of
    ordered = sorted(counted.items(), key=lambda each: (-each[1], each[0]))[:_SHARES_MOST]
    return [{name: value, "attempts": number, "share": round(number / whole, 4)} for value, number in ordered]


def _code(entry: Entry) -> str:
    return "none" if entry.status is None else str(entry.status)


def _cause(entry: Entry) -> str | None:
    """The code of its explanation; None: it was accepted."""
    if entry.ended is Ended.DELIVERED:
        return None
    why = of_attempt(entry.status, entry.failure)
    return None if why is None else why.code
