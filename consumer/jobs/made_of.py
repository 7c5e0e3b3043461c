"""What a record of the attempts or of the dead letters tells.

The law: a record that cannot be read is logged with its place, and is none. Before one of a newer Hookline its reader
stops.
"""

from collections.abc import Callable
from typing import TypeVar

import structlog

from consumer.events.event import Record
from consumer.kafka.newer import stop_before
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt

T = TypeVar("T")

_log = structlog.get_logger("jobs")


def made_of(record: Record, decode: Callable[[bytes], T], otherwise: str) -> T | None:
    """It, decoded; None where it has no value, or is no such record: `otherwise` is what is logged then.

    Raises:
        NewerRecord: a newer Hookline wrote it.
    """
    if record.value is None:
        return None
    stop_before(record)
    try:
        return decoded(record, decode, record.value)
    except RecordCorrupt as error:
        _log.error(otherwise, partition=record.partition, offset=record.offset, error=str(error))
        return None
