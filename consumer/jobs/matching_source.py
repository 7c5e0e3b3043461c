"""The source of a replay by a filter: the webhook's dead letters, then its other deliveries at their latest attempts.

The laws: a delivery comes once, whatever was written of it; the latest attempt is the latest one up to where the topic
ended when the job began, so going on finds the same; and one that has a dead letter is dead, whatever its attempts say.
"""

from collections.abc import Mapping
from contextlib import closing
from typing import Final

from consumer.data_keys.opening import Opening
from consumer.delivery.delivery import DeadLetter
from consumer.delivery.offsets import Partition
from consumer.events.event import Record
from consumer.jobs.asked_for import STATUSES, wants_attempt, wants_dead_letter
from consumer.jobs.chosen_source import AtSpots, parts
from consumer.jobs.deliveries import is_ours, of_dead_letter
from consumer.jobs.job import Asked, Matching, Spot
from consumer.jobs.latest import Latest
from consumer.jobs.made_of import made_of
from consumer.jobs.missed import MOST
from consumer.jobs.names import check
from consumer.jobs.picks import Picks
from consumer.jobs.walk import Progress, Steps, Walk
from consumer.kafka.attempt_decoding import decode_head
from consumer.kafka.key_spans import of_key
from consumer.kafka.records import decode_dead_letter
from consumer.kafka.spans import Span, SpanReader
from consumer.kafka.topic_specs import Topics
from consumer.settings import Settings
from consumer.webhooks.subscription import Subscription

_SKEW_MS: Final = 60_000
"""A record is dated when it is written, by a clock that may differ from the one which dated what it tells."""


def open_matching(
    settings: Settings,
    asked: Asked,
    subject: Matching,
    subscription: Subscription,
    *,
    ends: Mapping[Partition, int],
    position: Mapping[Partition, int],
    now_ms: int,
    opening: Opening,
    most: int = MOST,
) -> Walk:
    """Open the source. `ends` are empty where the job begins now.

    Raises:
        ConfigurationError: the Kafka properties are wrong.
        KafkaBroken: a topic does not exist, or may not be read, or the broker does not answer.
    """
    reader, picks, topics = SpanReader(settings), Picks(settings), Topics.of(settings)
    try:
        names = [topics.dead_letter]
        if not subject.statuses.isdisjoint(STATUSES.values()):
            names.append(topics.attempts)
        logs = reader.extents(names)
        fixed = dict(ends) or {place: log.end for place, log in logs.items()}
        known = {place: log for place, log in logs.items() if place in fixed}
        since_ms = 0 if subject.since_ms is None else subject.since_ms - _SKEW_MS
        begins = reader.first_since(known, since_ms)
        spans = {place: Span(begins[place], fixed[place]) for place in known}
        read: dict[Partition, Span] = {}
        for name in names:
            its_logs, its_spans = _of_topic(name, logs), _of_topic(name, spans)
            read |= of_key(reader, asked.webhook.encode(), its_logs, its_spans, since_ms=since_ms, now_ms=now_ms)
    except BaseException:
        reader.close()
        raise
    progress = Progress({place: position.get(place, span.begin) for place, span in spans.items()})
    source = _Deliveries(asked, subject, spans=spans, read=read, progress=progress, most=most, opening=opening)
    at_spots = AtSpots(settings, asked, subscription, picks, opening)

    def close() -> None:
        reader.close()
        picks.close()

    return Walk(source.steps(topics, reader, at_spots), progress, ends=fixed, close=close)


class _Deliveries:
    """What was met of the webhook's deliveries. `begun` is where the job goes on.

    `read`: of the spans what may hold records of the webhook.
    """

    def __init__(
        self,
        asked: Asked,
        subject: Matching,
        *,
        spans: Mapping[Partition, Span],
        read: Mapping[Partition, Span],
        progress: Progress,
        most: int,
        opening: Opening,
    ) -> None:
        self._opening = opening
        self._asked = asked
        self._subject = subject
        self._spans = spans
        self._read = read
        self._progress = progress
        self._most = most
        self._begun = dict(progress.position)
        self._key = asked.webhook.encode()
        self._dead: set[bytes] = set()

    def steps(self, topics: Topics, reader: SpanReader, at_spots: AtSpots) -> Steps:
        """The candidates."""
        yield from self._dead_letters(topics, reader)
        spans = _of_topic(topics.attempts, self._spans)
        if not spans:
            return
        latest = Latest(self._most)
        with closing(reader.read(_of_topic(topics.attempts, self._read))) as batches:
            for batch in batches:
                for record in batch.records:
                    self._note(record, latest)
                yield None
        yield from self._at_their_latest(topics.attempts, latest, at_spots)
        for place, span in spans.items():
            self._progress.position[place] = span.end

    def _dead_letters(self, topics: Topics, reader: SpanReader) -> Steps:
        """All are read, also when the job goes on: it has to know again which deliveries it met."""
        progress, spans = self._progress, _of_topic(topics.dead_letter, self._spans)
        with closing(reader.read(_of_topic(topics.dead_letter, self._read))) as batches:
            for batch in batches:
                for record in batch.records:
                    place = (record.topic, record.partition)
                    dead_letter = self._new_dead_letter(record)
                    if record.offset < self._begun[place]:
                        continue
                    progress.position[place] = record.offset + 1
                    if dead_letter is None:
                        continue
                    progress.looked += 1
                    progress.reached_ms = dead_letter.failed_at_ms
                    if wants_dead_letter(self._subject, dead_letter):
                        yield of_dead_letter(dead_letter)
                for place in batch.finished:
                    progress.position[place] = max(self._begun[place], spans[place].end)
                yield None

    def _new_dead_letter(self, record: Record) -> DeadLetter | None:
        """The webhook's dead letter that it is, unless its delivery was met."""
        opened = self._opening.record(record) if record.key == self._key else None
        dead_letter = None if opened is None else made_of(opened, decode_dead_letter, "not a dead letter")
        if dead_letter is None or not is_ours(self._asked, dead_letter):
            return None
        name = bytes.fromhex(dead_letter.delivery.id)
        if name in self._dead:
            return None
        self._dead.add(name)
        check(len(self._dead), self._most)
        return dead_letter

    def _note(self, record: Record, latest: Latest) -> None:
        head = made_of(record, decode_head, "not an attempt") if record.key == self._key else None
        if head is not None and (head.subscription_id, head.tenant) == (self._asked.webhook, self._asked.owner.tenant):
            wanted = wants_attempt(self._subject, head)
            latest.take(head, partition=record.partition, offset=record.offset, wanted=wanted)

    def _at_their_latest(self, topic: str, latest: Latest, at_spots: AtSpots) -> Steps:
        progress, begun = self._progress, self._begun
        spots = (Spot(topic, partition, offset) for partition, offset in latest.wanted(self._dead))
        left = (spot for spot in spots if spot.offset >= begun[spot.topic, spot.partition])
        for part in parts(left):
            for spot, candidate in (yield from at_spots.candidates(part)):
                progress.position[spot.topic, spot.partition] = spot.offset + 1
                progress.looked += 1
                progress.reached_ms = candidate.at_ms or progress.reached_ms
                yield candidate


def _of_topic(topic: str, spans: Mapping[Partition, Span]) -> dict[Partition, Span]:
    return {place: span for place, span in spans.items() if place[0] == topic}
