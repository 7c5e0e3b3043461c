"""One delivery that is to be sent again now: what its records tell of it.

The law: an id finds its owner's own delivery alone; of another's nothing is told.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from consumer.control.owner import Owner
from consumer.control.resend_now import Again, AlreadyDelivered, of_attempt, of_dead
from consumer.delivery.delivery import Bodies, DeadLetter, is_delivery_id
from consumer.kafka.picking import NotKept
from consumer.log.archive import AttemptUnknown, Kept
from consumer.log.attempt_id import Place
from consumer.log.bodies import Lists
from consumer.log.entry import Ended
from consumer.log.query import Query, Row, View

_ROWS: Final = 100
_READ_MOST: Final = 5
"""Records of attempts that are read for one that has the body: those before a request could be made have none."""


class NotThere(LookupError):  # noqa: N818 # it names a state, as the glossary does
    """The owner has no such delivery."""


class KeptNoLonger(Exception):  # noqa: N818 # same
    """What was sent is not kept."""

    def __init__(self) -> None:
        super().__init__("what was sent is not kept, so it cannot be sent again: let its event be published anew")


class NeverMade(Exception):  # noqa: N818 # same
    """There were only attempts without a request, and what it is made of is not in their records."""

    def __init__(self) -> None:
        super().__init__(
            "no request of it could be made so far, as its attempts tell why, so there is none that could be sent now: "
            "send it again without now, and it is made of its event"
        )


class BodyNotKept(Exception):  # noqa: N818 # same
    """The records of its attempts are there, and have not what was sent."""

    def __init__(self) -> None:
        super().__init__(
            "the log does not have the whole body that was sent: it is not kept, or not as it was. Send it again "
            "without now, and it is made of its event"
        )


class Archives(Protocol):
    """Who reads records of attempts (`log.archive.Archive`)."""

    def read(self, tenant: str, brand: str, place: Place) -> Kept:
        """One attempt. Raises AttemptUnknown, NotKept, KafkaBroken."""


def at_once(
    lists: Lists,
    archive: Archives,
    dead: Callable[[], DeadLetter | None],
    owner: Owner,
    id_: str,
    *,
    webhook: str | None,
    again: bool,
) -> tuple[Again, bool]:
    """What is to be sent, and whether it was accepted before. `again`: also one that was; `dead` is its dead letter.

    Raises:
        NotThere, AlreadyDelivered, KeptNoLonger, BodyNotKept, NeverMade: it cannot be sent.
        CacheUnavailable, KafkaBroken: the log could not be read.
    """
    if not is_delivery_id(id_):
        raise NotThere
    rows = _rows(lists, owner, id_, webhook)
    delivered = any(row.entry.ended is Ended.DELIVERED for row in rows)
    if delivered and not again:
        raise AlreadyDelivered
    told, lacks = _told_by(archive, owner, rows)
    found = told or _of_dead(dead(), webhook)
    if found is not None:
        return found, delivered
    if not rows:
        raise NotThere
    raise lacks


def _rows(lists: Lists, owner: Owner, id_: str, webhook: str | None) -> Sequence[Row]:
    """Its attempts that are listed, the newest first."""
    wanted = Query(deliveries=frozenset({id_}), webhooks=frozenset(() if webhook is None else (webhook,)))
    return lists.page(
        View.ATTEMPTS, tenant=owner.tenant, brand=owner.brand, query=wanted, limit=_ROWS, cursor=None
    ).rows


def _told_by(
    archive: Archives, owner: Owner, rows: Sequence[Row]
) -> tuple[Again | None, type[KeptNoLonger | BodyNotKept | NeverMade]]:
    """What the newest of these attempts that has all of it tells; and what is to be said where none has.

    A request that could be made has headers in its record.
    """
    made = max((row.entry.number for row in rows), default=0)
    lacks: type[KeptNoLonger | BodyNotKept | NeverMade] = NeverMade
    for row in rows[:_READ_MOST]:
        place = Place(partition=row.partition, offset=row.entry.offset, delivery=row.entry.delivery[:8])
        try:
            attempt = archive.read(owner.tenant, owner.brand, place).attempt
        except (NotKept, AttemptUnknown):  # the latter where the topic was made anew
            lacks = KeptNoLonger if lacks is NeverMade else lacks
            continue
        if (found := of_attempt(attempt, attempts=made)) is not None:
            return found, lacks
        if attempt.request_headers or attempt.bodies != Bodies.WHOLE:
            lacks = BodyNotKept
    return None, lacks


def _of_dead(dead: DeadLetter | None, webhook: str | None) -> Again | None:
    """What its dead letter tells. Raises KeptNoLonger: it is a stub."""
    if dead is None or webhook not in {None, dead.delivery.subscription_id}:
        return None
    found = of_dead(dead)
    if found is None:
        raise KeptNoLonger
    return found
