"""The log against itself: its topic, the index that lists it, and what the receivers noted.

The laws: the index lists each attempt of the topic once, and nothing else; it lacks none but those that its bounds took
from a list, the oldest. An attempt that says it was answered is a request that a receiver noted. Who accepted something
that was owed to him finds an attempt that says so, or that the endpoint may have received it, unless there is a dead
letter: an answer that came too late was not heard, and a webhook that is paused or deleted then gets no other try.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple, TypeAlias

from consumer.delivery.delivery import Trigger
from consumer.kafka.attempt_decoding import decode_head
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.log.explanation import Received, of_attempt
from consumer.log.index import Bounds
from consumer.log.query import Cursor, Query, View
from consumer.log.reading import LogReader
from consumer.settings import Settings
from tests.acceptance.happenings import travelling
from tests.acceptance.ledger import Pair
from tests.acceptance.receipts import Receipt

Place: TypeAlias = tuple[str, int, int]
"""A webhook, a partition and an offset."""

_PAGE: Final = 1_000


class Made(NamedTuple):
    """An attempt of the topic."""

    place: Place
    owner: tuple[str, str]
    pair: Pair
    plain: bool
    answered: bool
    accepted: bool
    admitted: bool  # it says that it was accepted, or may have been
    content: bytes  # of the record: what is written again for want of an acknowledgement is the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Where the index differs from its topic, and of how many attempts it was asked."""

    attempts: int
    strange: Sequence[Place]
    twice: Sequence[Place]
    lacking: Sequence[Place]

    @property
    def agrees(self) -> bool:
        """Whether it does."""
        return not (self.strange or self.twice or self.lacking)


def made_of(settings: Settings) -> list[Made]:
    """All attempts of the topic."""
    found: list[Made] = []
    for record in read_to_end(settings, Topics.of(settings).attempts):
        head = decode_head(record.value or b"")
        accepted = head.outcome == "delivered"
        why = of_attempt(head.status, head.failure)
        found.append(
            Made(
                place=(head.subscription_id, record.partition, record.offset),
                owner=(head.tenant, head.brand),
                pair=(travelling(head.event_id, None), head.subscription_id),
                plain=accepted and head.number == 1 and head.trigger == Trigger.EVENT,
                answered=head.status is not None,
                accepted=accepted,
                admitted=accepted or (why is not None and why.received is Received.MAYBE),
                content=blake2b(record.value or b"", digest_size=16).digest(),
            )
        )
    return found


def listed(settings: Settings, made: Sequence[Made]) -> Listed:
    """The index of now against these.

    Raises:
        CacheUnavailable: Redis is away.
    """
    places: Counter[Place] = Counter()
    with closing(LogReader(settings)) as reader:
        for tenant, brand in {each.owner for each in made}:
            places.update(_rows(reader, tenant, brand))
    return compared(made, places, Bounds(plain=settings.log_plain, eventful=settings.log_eventful))


def compared(made: Iterable[Made], places: Mapping[Place, int], bounds: Bounds) -> Listed:
    """`places` says how often each is listed. Pure."""
    lists: defaultdict[tuple[str, int, bool], list[Place]] = defaultdict(list)
    for each in made:
        webhook, partition, _ = each.place
        lists[webhook, partition, each.plain].append(each.place)
    lacking: list[Place] = []
    for (_, _, plain), there in lists.items():
        newest_first = sorted(there, reverse=True)
        has = sum(place in places for place in there)
        must = newest_first[: max(has, bounds.plain if plain else bounds.eventful)]
        lacking += [place for place in must if place not in places]
    known = {place for there in lists.values() for place in there}
    return Listed(
        attempts=len(known),
        strange=[place for place in places if place not in known],
        twice=[place for place, times in places.items() if times > 1],
        lacking=lacking,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`invented`: attempts beyond the requests that came; `untold`: accepted, and no attempt says so.

    `written_twice`: how many attempts the topic has twice. The producer writes again what a broker did not acknowledge.
    """

    written_twice: int
    invented: Sequence[Pair]
    untold: Sequence[Pair]


def told(made: Sequence[Made], receipts: Sequence[Receipt], owed: Collection[Pair], buried: Collection[Pair]) -> Told:
    """The attempts against what receivers noted. `owed` are the pairs that must have come to their end. Pure."""
    noted = Counter((each.webhook_id, each.endpoint) for each in receipts)
    accepted = {(each.webhook_id, each.endpoint) for each in receipts if each.accepted}
    endpoints = {endpoint for _, endpoint in noted}
    once = {(each.pair, each.content) for each in made if each.answered and each.pair[1] in endpoints}
    answered = Counter(pair for pair, _ in once)
    said = {each.pair for each in made if each.admitted}
    return Told(
        written_twice=len(made) - len({(each.pair, each.content) for each in made}),
        invented=[pair for pair, times in answered.items() if times > noted[pair]],
        untold=[pair for pair in owed if pair in accepted and pair not in said and pair not in buried],
    )


def _rows(reader: LogReader, tenant: str, brand: str) -> list[Place]:
    found: list[Place] = []
    cursor: Cursor | None = None
    while True:
        page = reader.page(View.ATTEMPTS, tenant=tenant, brand=brand, query=Query(), limit=_PAGE, cursor=cursor)
        found += [(row.webhook, row.partition, row.entry.offset) for row in page.rows]
        cursor = page.next
        if cursor is None:
            return found
