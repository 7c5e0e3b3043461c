"""From the query of a list of the log to what is asked of the index.

The law: what cannot be is refused by its own name, all of it at once; nothing that was given is passed over.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from consumer.api.log_models import AttemptsSought, DeliveriesSought, Sought
from consumer.api.moments import moment_of
from consumer.control.cursor import list_name
from consumer.delivery.outcome import DeathReason
from consumer.log.entry import Ended, Trigger
from consumer.log.query import Answers, Query
from consumer.log.resource import FAILURES, OUTCOMES, STATUSES, kinds_of
from consumer.webhooks.fields import check_choice
from consumer.webhooks.wrong import Code, Faults, Wrong

_CODE: Final = re.compile(r"([1-9][0-9]{2})|([1-9])xx|(none)")


def query_of(sought: Sought, now_ms: int) -> Query:
    """What is asked for.

    Raises:
        FieldInvalid: of all that cannot be.
    """
    faults = Faults()
    since_ms = moment_of("since", sought.since, now_ms, faults)
    until_ms = moment_of("until", sought.until, now_ms, faults)
    if since_ms is not None and since_ms > now_ms:
        faults.add(Wrong(field="since", code=Code.OUT_OF_RANGE, message="lies in the future: name a time that is over"))
    answers = answers_of(sought.code, faults)
    reasons = frozenset(kind for word in sought.reason for kind in kinds_of_reason(word, faults))
    for each in sought.type:
        faults.checked(partial(check_choice, "type"), each)
    faults.tell()
    return Query(
        webhooks=frozenset(sought.webhook),
        ended=_ended(sought),
        answers=answers,
        reasons=reasons,
        types=tuple(sought.type),
        events=frozenset(sought.event),
        triggers=frozenset(Trigger[each.upper()] for each in sought.trigger),
        jobs=frozenset(sought.job),
        since_ms=since_ms,
        until_ms=until_ms,
        slower_than_ms=sought.slower_than_ms,
    )


def name_of(view: str, sought: Sought) -> str:
    """The list that a cursor belongs to: its view and its filters."""
    filters = sought.model_dump(exclude={"limit", "cursor", "after", "format"}, mode="json")
    canonical = [[name, sorted(value) if isinstance(value, list) else value] for name, value in sorted(filters.items())]
    return list_name(view, canonical)


def _ended(sought: Sought) -> frozenset[Ended]:
    words = {word: ended for table in (STATUSES, OUTCOMES) for ended, word in table.items()}
    match sought:
        case AttemptsSought():
            return frozenset(words[each] for each in sought.outcome)
        case DeliveriesSought():
            return frozenset(words[each] for each in sought.status)
        case _:
            return frozenset()


def answers_of(codes: Sequence[str], faults: Faults) -> Answers | None:
    """What these codes mean. What is none is a fault of `code`."""
    if not codes:
        return None
    found = [_CODE.fullmatch(each) for each in codes]
    if not all(found):
        message = "is no answer: write it as in 503, as 5xx for 500 to 599, or none for no answer"
        faults.add(Wrong(field="code", code=Code.MALFORMED, message=message))
    return Answers(
        codes=frozenset(int(each[1]) for each in found if each and each[1]),
        classes=frozenset(int(each[2]) for each in found if each and each[2]),
        none=any(each and each[3] for each in found),
    )


def kinds_of_reason(word: str, faults: Faults) -> frozenset[str]:
    """The kinds of failure, or the death, that are called so. What is no reason is a fault of `reason`."""
    if word in FAILURES:
        return kinds_of(word)
    if word not in {*DeathReason}:
        message = f"is no reason: choose from {', '.join([*FAILURES, *DeathReason])}"
        faults.add(Wrong(field="reason", code=Code.NOT_A_CHOICE, message=message))
    return frozenset({word})
