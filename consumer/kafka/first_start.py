"""Before a group reads event topics for the first time: are there records that nobody has decided about?

The laws:
- what lay on the event topics before Hookline came is delivered only where `HOOKLINE_START` says so;
- a group of which something of these topics is committed has started before, and nothing is committed over that;
- an empty topic holds nothing to decide about. Where all are empty, their ends are committed at once, so that a record
  written a moment later finds a group that has started, whoever looks next.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from consumer.events.event import Record
from consumer.kafka.client import AccessDenied, KafkaBroken, broken, build, client_properties, error_of
from consumer.kafka.group_offsets import GroupOffsets
from consumer.kafka.log_offsets import EARLIEST, LATEST, log_offsets
from consumer.kafka.picking import NothingThere, NotKept, Picker
from consumer.kafka.selection import Selection
from consumer.kafka.topic_watch import ids_of
from consumer.settings import ConfigurationError, Settings

_SETTING: Final = "HOOKLINE_START"
_ASK_S: Final = 4.0  # a process that starts must hear SIGTERM in time
_LOOKED_AT: Final = 32
"""Partitions of a topic whose first record is read for its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What an event topic holds: at most so many `records`, the oldest appended at `since_ms` (None: not known)."""

    topic: str
    records: int
    since_ms: int | None


class Pick(Protocol):
    """See `Picker`."""

    def pick(self, partition: int, offset: int, *, within_s: float) -> Record: ...


def decided(settings: Settings, selection: Selection, group: str) -> None:
    """Make sure that somebody decided about the records that are there, where the group has never read.

    Raises:
        ConfigurationError: nobody did; the message says what is there, and what each choice does.
        KafkaBroken: the broker could not be asked, or did not take what is to be committed.
    """
    if settings.start is not None:
        return
    if found := _undecided(settings, selection, group):
        raise ConfigurationError(_SETTING, _words(found))


def _undecided(settings: Settings, selection: Selection, group: str) -> list[History]:
    admin = build(AdminClient, client_properties(settings))
    with closing(GroupOffsets(settings, group)) as offsets:
        try:
            there = admin.list_topics(timeout=_ASK_S).topics
            topics = selection.among(name for name, topic in there.items() if topic.error is None)
            places = [(topic, number) for topic in topics for number in there[topic].partitions]
            if offsets.started(places, _ASK_S):
                return []
            # The ids come first: an end that is committed is never of a later topic than the id beside it.
            ids = ids_of(settings, admin, topics)
            begins, ends = (log_offsets(admin, places, at, _ASK_S).whole() for at in (EARLIEST, LATEST))
        except KafkaException as exception:
            raise broken(error_of(exception), "asking what is on the event topics") from None
        # Asked again: another process may have decided meanwhile, and gone on.
        if offsets.started(places, _ASK_S):
            return []
        held = {place: ends[place] - begins[place] for place in places if ends[place] > begins[place]}
        if not held:
            offsets.begin(ends, ids, _ASK_S)
    until_s = time.monotonic() + _ASK_S
    return [
        History(
            topic=topic,
            records=sum(records for place, records in held.items() if place[0] == topic),
            since_ms=_since_ms(
                settings, topic, {place[1]: begins[place] for place in held if place[0] == topic}, until_s
            ),
        )
        for topic in sorted({place[0] for place in held})
    ]


def _since_ms(settings: Settings, topic: str, begins: Mapping[int, int], until_s: float) -> int | None:
    picker = Picker(settings, topic)
    try:
        return oldest_ms(picker, begins, until_s)
    finally:
        picker.close()


def oldest_ms(
    picker: Pick, begins: Mapping[int, int], until_s: float, monotonic_s: Callable[[], float] = time.monotonic
) -> int | None:
    """When the oldest record was written that is still there; `begins` are where partitions begin.

    None where there is only what transactions left, and where it could not be read until it is so late (monotonic):
    what has to be decided is told without it. Raises AccessDenied.
    """
    times: list[int] = []
    for number, offset in sorted(begins.items())[:_LOOKED_AT]:
        left_s = until_s - monotonic_s()
        if left_s <= 0:
            return None
        try:
            times.append(picker.pick(number, offset, within_s=left_s).timestamp_ms)
        except (NotKept, NothingThere):
            continue  # retention came in between, or a transaction's marker stands there
        except AccessDenied:
            raise
        except KafkaBroken:
            return None
    return min(times, default=None)


def _words(found: Iterable[History]) -> str:
    lines = "".join(f"\n  {_line(each)}" for each in found)
    return (
        "this group starts for the first time, and these topics hold records already. Say what becomes of them: "
        f"earliest delivers all of them to the webhooks that want them, latest only what is written from now on.{lines}"
    )


def _line(history: History) -> str:
    since = "" if history.since_ms is None else f", since {_utc(history.since_ms)}"
    return f"{history.topic}: {history.records:,} record{'s' if history.records > 1 else ''}{since}"


def _utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
