"""A subscription's record as a row of values: which of them there can be. Pure.

The law: a row that was judged makes a subscription, and one that a matcher can use.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from consumer.webhooks import works
from consumer.webhooks.fields import MAX_CONCURRENCY, MAX_RATE_PER_S, MAX_TIMEOUT_MS, MIN_RATE_PER_S, MIN_TIMEOUT_MS
from consumer.webhooks.filter import FilterInvalid, compile_filter
from consumer.webhooks.ordering import is_ordering
from consumer.webhooks.subscription import OnFailure, PayloadFormat, Retries, SigningProfile, Status
from consumer.wire import RecordCorrupt

_LAST_MS: Final = 253_402_300_799_999  # the last millisecond of the year 9999
MOST_REVISIONS: Final = 2**31 - 2  # the next one is still an Avro int
# What is computed from a number stays within bounds because the number does.
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "created_at_ms": (0, _LAST_MS),
    "updated_at_ms": (0, _LAST_MS),
    "status_since_ms": (0, _LAST_MS),
    "timeout_ms": (MIN_TIMEOUT_MS, MAX_TIMEOUT_MS),
    "rate_per_s": (MIN_RATE_PER_S, MAX_RATE_PER_S),
    "max_concurrency": (1, MAX_CONCURRENCY),
    "revision": (1, MOST_REVISIONS),
    "changes": (0, MOST_REVISIONS),
}


class Words(NamedTuple):
    """What a row says in words of ours."""

    signing: SigningProfile
    payload_format: PayloadFormat
    status: Status
    retries: Retries
    on_failure: OnFailure


def judged(row: Mapping[str, Any]) -> Words:
    """Hold that its values can be, and that its filter compiles: a matcher must never meet one that does not.

    Raises:
        RecordCorrupt: one of them cannot be.
    """
    for name, (least, most) in _BOUNDS.items():
        number = row[name]
        if number is not None and not least <= number <= most:  # NaN is not
            raise RecordCorrupt(f"its {name} is out of range")
    try:
        words = _words(row["signing"], row["payload_format"], row["status"], row["retries"], row["on_failure"])
        if row["filter_json"] is not None:
            compile_filter(row["filter_json"])
    except FilterInvalid:
        raise RecordCorrupt("its filter is not one that this version knows") from None
    except ValueError as error:
        raise RecordCorrupt(str(error)) from None
    if not is_ordering(row["ordering"]):
        raise RecordCorrupt("its ordering is not one that this version knows")
    if row["works"] and (len(row["works"]) > works.MOST or not all(map(works.is_name, row["works"]))):
        raise RecordCorrupt("its works are not names of requests")
    if row["former_secrets"] or row["unblocks"] or row["tls"] is not None:
        _judge_times(row)
    return words


def _judge_times(row: Mapping[str, Any]) -> None:
    """Raises RecordCorrupt: one of those inside of it cannot be."""
    tls = row["tls"] or {}
    for what, times in {
        "the end of a former secret": [each["until_ms"] for each in row["former_secrets"]],
        "when a key of it was let go on": [each["at_ms"] for each in row["unblocks"]],
        "the end of a certificate of it": [tls.get("certificate_until_ms"), tls.get("authorities_until_ms")],
    }.items():
        if not all(each is None or 0 <= each <= _LAST_MS for each in times):
            raise RecordCorrupt(f"{what} is out of range")


@lru_cache(maxsize=1_024)
def _words(signing: str, payload_format: str, status: str, retries: str, on_failure: str) -> Words:
    """Raises ValueError: one of them is none of ours."""
    return Words(
        signing=SigningProfile(signing),
        payload_format=PayloadFormat(payload_format),
        status=Status(status),
        retries=Retries(retries),
        on_failure=OnFailure(on_failure),
    )
