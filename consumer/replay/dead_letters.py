"""The dead letters, from their topic.

The laws:
- one dead letter is one delivery id. A delivery that was written twice (its writer died before it knew of the first) is
  read once, and memory grows by its id only, never by its body;
- those of erased tenants are none any more; who calls `matching` and `lying` has opened the others (`Opening.records`);
- the topic is everybody's: of a record that cannot be meant, by its key or its bytes, nothing is decoded, and whoever
  names ids reads no further than the last of them.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Final, NamedTuple

import structlog

from consumer.data_keys.opening import Opening
from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Record
from consumer.json import Json
from consumer.kafka.reading import read_to_end
from consumer.kafka.records import decode_dead_letter
from consumer.kafka.topics import Topics
from consumer.replay.filters import Filters
from consumer.settings import Settings
from consumer.signing.timestamps import rfc3339
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("replay")

_FEW: Final = 16


def read(settings: Settings, filters: Filters) -> Iterator[DeadLetter]:
    """Every dead letter that matches, oldest first within a webhook, up to where the topic ended at the call.

    Raises:
        KafkaBroken: the topic does not exist, or could not be read to its end.
    """
    with closing(Opening.of(settings)) as opening:
        yield from matching(opening.records(read_to_end(settings, Topics.of(settings).dead_letter)), filters)


def matching(records: Iterable[Record], filters: Filters) -> Iterator[DeadLetter]:
    """The dead letters among the records, each id once. A record that is none is logged with its place."""
    return (dead_letter for _, dead_letter in _read(records, filters))


class Lying(NamedTuple):
    """Where a dead letter's record lies, and which webhook it was for. What it holds is not kept in mind.

    `left_out`: the record is a stub, without what was to be sent.
    """

    id: str
    webhook: str
    topic: str
    partition: int
    offset: int
    left_out: bool


def lying(records: Iterable[Record], filters: Filters) -> Iterator[Lying]:
    """Where those among the records lie that match, each id once."""
    for record, dead_letter in _read(records, filters):
        delivery = dead_letter.delivery
        yield Lying(
            id=delivery.id,
            webhook=delivery.subscription_id,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            left_out=dead_letter.left_out_bytes > 0,
        )


def _read(records: Iterable[Record], filters: Filters) -> Iterator[tuple[Record, DeadLetter]]:
    seen: set[bytes] = set()
    keys = {each.encode() for each in filters.webhooks}
    # Avro writes texts as they are. To look for very many takes longer than to decode.
    sought = [[each.encode() for each in named] for named in (filters.tenants, filters.ids) if 0 < len(named) <= _FEW]
    for record in records:
        value = record.value
        if value is None or (keys and record.key not in keys):
            continue
        if not all(any(each in value for each in named) for named in sought):
            continue
        try:
            dead_letter = decoded(record, decode_dead_letter, value)
        except RecordCorrupt as error:
            _log.error("not a dead letter", partition=record.partition, offset=record.offset, error=str(error))
            continue
        if not filters.match(dead_letter):
            continue
        name = dead_letter.delivery.id.encode()
        if name not in seen:
            seen.add(name)
            yield record, dead_letter
        if len(seen) == len(filters.ids) > 0:
            return


def described(dead_letter: DeadLetter) -> dict[str, Json]:
    """One dead letter as an operator's record: without its body, times as RFC 3339, None where there was no attempt."""
    delivery = dead_letter.delivery
    event = delivery.event
    return {
        "id": delivery.id,
        "event_id": event.id,
        "tenant": event.tenant,
        "webhook": delivery.subscription_id,
        "url": dead_letter.url,
        "type": event.type,
        "reason": dead_letter.reason,
        "detail": dead_letter.detail,
        "attempts": delivery.attempts,
        "first_attempt_at": _time(delivery.first_attempt_ms),
        "last_attempt_at": _time(delivery.last_attempt_ms),
        "failed_at": _time(dead_letter.failed_at_ms),
        "last_status": delivery.last_status,
        "replays": delivery.replays,
        "brand": dead_letter.brand,
        "product": event.product,
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
    }


def _time(time_ms: int | None) -> str | None:
    return None if time_ms is None else rfc3339(time_ms)
