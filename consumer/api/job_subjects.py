"""From a request's body to what a job is about.

The law: what cannot be is refused by its own name in the request, all of it at once; nothing that was given is passed
over. Pure: which deliveries there are is asked elsewhere (`chosen_deliveries.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from consumer.api.job_models import Recovery, Replay, ReplayFilter
from consumer.api.log_query import answers_of, kinds_of_reason
from consumer.api.moments import moment_of
from consumer.jobs.job import Matching, Missed
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.fields import check_choice
from consumer.webhooks.wrong import Code, Faults, Wrong


def missed_of(body: Recovery, now_ms: int) -> Missed:
    """What is to be recovered. Raises FieldInvalid: of all that cannot be."""
    faults = Faults()
    since_ms = moment_of("since", body.since, now_ms, faults)
    until_ms = now_ms if body.until is None else moment_of("until", body.until, now_ms, faults)
    _check_span(since_ms, until_ms, now_ms, faults, until_in_future=False)
    types = () if body.types is None else tuple(body.types)
    if body.types == []:
        faults.add(Wrong(field="types", code=Code.EMPTY, message="is empty: name event types, or leave it out for all"))
    _check_types("types", types, faults)
    faults.tell()
    assert since_ms is not None
    assert until_ms is not None
    return Missed(since_ms=since_ms, until_ms=until_ms, types=types)


def not_kept(kept_ms: int) -> str:
    """What is said of a `since` of which events are gone."""
    return f"lies before what is kept: events are kept since {rfc3339(kept_ms)}, so ask with that or later"


def matching_of(body: ReplayFilter, now_ms: int) -> Matching:
    """Which deliveries are meant. Raises FieldInvalid: of all that cannot be, by their names inside the filter."""
    faults = Faults()
    since_ms = moment_of("since", body.since, now_ms, faults)
    until_ms = moment_of("until", body.until, now_ms, faults)
    _check_span(since_ms, until_ms, now_ms, faults, until_in_future=True)
    answers_of(body.code, faults)
    reasons = frozenset(kind for word in body.reason for kind in kinds_of_reason(word, faults))
    _check_types("type", body.type, faults)
    faults.tell()
    return Matching(
        statuses=frozenset(body.status),
        codes=frozenset(body.code),
        reasons=reasons,
        types=tuple(body.type),
        since_ms=since_ms,
        until_ms=until_ms,
    )


def faults_of_recovery(body: Recovery, now_ms: int) -> Sequence[Wrong]:
    """All that is wrong with it."""
    return _found(lambda faults: faults.looked(lambda: missed_of(body, now_ms)))


def faults_of_replay(body: Replay, now_ms: int) -> Sequence[Wrong]:
    """All that is wrong with it, but for deliveries that there are not."""

    def which(faults: Faults) -> None:
        if body.filter is not None and body.deliveries is not None:
            both = "give it or deliveries, not both"
            faults.add(Wrong(field="filter", code=Code.DUPLICATE, message=both))
        elif body.filter is None and body.deliveries is None:
            none = "is missing: give it, or deliveries; {} means all that failed"
            faults.add(Wrong(field="filter", code=Code.MISSING, message=none))

    return [*_found(which), *faults_of_filter(body, now_ms)]


def faults_of_filter(body: Replay, now_ms: int) -> Sequence[Wrong]:
    """What is wrong inside its filter."""
    asked = body.filter
    if asked is None:
        return ()
    inside = _found(lambda faults: faults.looked(partial(matching_of, asked, now_ms)))
    return [replace(each, field=f"filter.{each.field}") for each in inside]


def _found(look: Callable[[Faults], object]) -> Sequence[Wrong]:
    faults = Faults()
    look(faults)
    return faults.found


def _check_span(
    since_ms: int | None, until_ms: int | None, now_ms: int, faults: Faults, *, until_in_future: bool
) -> None:
    future = "lies in the future: name a time that is over"
    if since_ms is not None and since_ms > now_ms:
        faults.add(Wrong(field="since", code=Code.OUT_OF_RANGE, message=future))
    if until_ms is not None and until_ms > now_ms and not until_in_future:
        faults.add(Wrong(field="until", code=Code.OUT_OF_RANGE, message=future))
    if since_ms is not None and until_ms is not None and until_ms <= since_ms and not faults:
        message = "is not after since: nothing lies between them"
        faults.add(Wrong(field="until", code=Code.OUT_OF_RANGE, message=message))


def _check_types(field: str, types: Sequence[str], faults: Faults) -> None:
    for each in types:
        faults.checked(partial(check_choice, field), each)
