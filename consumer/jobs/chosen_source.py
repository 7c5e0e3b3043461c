"""Deliveries by the places of their records: those that were named, and those that a filter found among attempts.

The law: places are taken in the order of their topics, partitions and offsets, so that a position tells which were.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from consumer.data_keys.opening import Opening
from consumer.delivery.delivery import Attempt
from consumer.delivery.offsets import Partition
from consumer.events.event import Event, Record
from consumer.jobs.candidate import Candidate
from consumer.jobs.deliveries import event_spot, is_ours, nothing_at, of_attempt, of_dead_letter, refusal
from consumer.jobs.event_decoding import TenantEvents, asking
from consumer.jobs.job import Asked, Chosen, Skip, Spot
from consumer.jobs.made_of import made_of
from consumer.jobs.picks import Picks
from consumer.jobs.walk import Progress, Steps, Walk
from consumer.kafka.records import decode_dead_letter
from consumer.kafka.topic_specs import Topics
from consumer.settings import Settings
from consumer.webhooks.subscription import Subscription

_AT_A_TIME: Final = 25
"""Deliveries held at once: each has its event and its body, of a megabyte at most."""


def open_chosen(
    settings: Settings,
    asked: Asked,
    subject: Chosen,
    subscription: Subscription,
    *,
    ends: Mapping[Partition, int],
    position: Mapping[Partition, int],
    opening: Opening,
) -> Walk:
    """Open the source. Raises ConfigurationError: the Kafka properties are wrong."""
    spots = sorted(set(subject.spots))
    fixed = dict(ends) or {(spot.topic, spot.partition): spot.offset + 1 for spot in spots}
    begins = dict.fromkeys(fixed, 0) | dict(position)
    progress, picks = Progress(begins), Picks(settings)
    at_spots = AtSpots(settings, asked, subscription, picks, opening)
    return Walk(_steps(at_spots, spots, begins, progress), progress, ends=fixed, close=picks.close)


def _steps(at_spots: "AtSpots", spots: Sequence[Spot], begins: Mapping[Partition, int], progress: Progress) -> Steps:
    seen: set[str] = set()
    for part in parts(spots):
        for spot, candidate in (yield from at_spots.candidates(part)):
            place = (spot.topic, spot.partition)
            repeated = candidate.delivery is not None and candidate.delivery in seen
            if candidate.delivery is not None:
                seen.add(candidate.delivery)
            if spot.offset < begins[place]:
                continue  # it was taken before, and is looked at to know its repeats
            progress.position[place] = spot.offset + 1
            progress.looked += 1
            if not repeated:
                progress.reached_ms = candidate.at_ms or progress.reached_ms
                yield candidate


class AtSpots:
    """What lies at places of the attempts and of the dead letters, for one job. Belongs to one thread."""

    def __init__(
        self, settings: Settings, asked: Asked, subscription: Subscription, picks: Picks, opening: Opening
    ) -> None:
        self._opening = opening
        self._topics = Topics.of(settings)
        self._asked = asked
        self._subscription = subscription
        self._picks = picks
        self._events = TenantEvents(settings, asked.owner.tenant, ask=asking(settings))

    def candidates(self, spots: Sequence[Spot]) -> Generator[None, None, list[tuple[Spot, Candidate]]]:
        """A candidate for each of these places, in their order.

        Raises:
            KafkaBroken: a topic could not be read.
        """
        records = yield from self._picks.at(spots)
        attempts = {spot: attempt for spot in spots if (attempt := self._attempt(records.get(spot))) is not None}
        refused = {spot: refusal(self._asked, attempt) for spot, attempt in attempts.items()}
        told = {event_spot(attempt) for spot, attempt in attempts.items() if refused[spot] is None}
        events = yield from self._picks.at(told)
        found: list[tuple[Spot, Candidate]] = []
        for spot in spots:
            attempt = attempts.get(spot)
            if attempt is None:
                found.append((spot, self._of_dead_letter(records.get(spot)) or nothing_at(spot)))
                continue
            record = events.get(event_spot(attempt)) if refused[spot] is None else None
            found.append((spot, (yield from self._of_attempt(attempt, record, refused[spot]))))
        return found

    def _of_attempt(
        self, attempt: Attempt, record: Record | None, skip: Skip | None
    ) -> Generator[None, None, Candidate]:
        event: Event | None = None
        if record is not None:
            event = yield from self._events.read(record)
        return of_attempt(attempt, record, event, self._subscription, skip=skip)

    def _attempt(self, record: Record | None) -> Attempt | None:
        """The webhook's attempt that it is; None: it is none."""
        if record is None or record.topic != self._topics.attempts:
            return None
        self._opening.wait_for_key(record)
        asked, attempt = self._asked, made_of(record, self._opening.attempt, "not an attempt")
        if attempt is None:
            return None
        return attempt if (attempt.subscription_id, attempt.tenant) == (asked.webhook, asked.owner.tenant) else None

    def _of_dead_letter(self, record: Record | None) -> Candidate | None:
        if record is None or record.topic != self._topics.dead_letter:
            return None
        opened = self._opening.record(record)
        dead_letter = None if opened is None else made_of(opened, decode_dead_letter, "not a dead letter")
        return of_dead_letter(dead_letter) if dead_letter is not None and is_ours(self._asked, dead_letter) else None


def parts(spots: Iterable[Spot]) -> Iterator[list[Spot]]:
    """So many at a time as are held at once."""
    rest = iter(spots)
    while part := list(islice(rest, _AT_A_TIME)):
        yield part
