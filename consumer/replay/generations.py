"""How often each chain was replayed, and which job sent it last: the fold of the state topic's `replay:` records.

The law: what is told here is never below what the writer of replays has written, also before it was read back; so no
generation is given twice while there is one writer.

A chain whose record cannot be read is replayed no more: counting on without it would send twice.
"""

import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Final

import structlog

from consumer.events.event import Record
from consumer.kafka.records import Replay, decode_replay
from consumer.kafka.state import replayed_of
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("replay")

_NO_MORE: Final = 2**31 - 1


class Generations:
    """May be used by several threads; `apply` and `forget` by one. `of` and `senders` go by the chain."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, int] = {}
        self._senders: dict[str, str] = {}

    @property
    def of(self) -> Mapping[str, int]:
        """The last generation of each chain; it rises as replays are written."""
        return self._of

    @property
    def senders(self) -> Mapping[str, str]:
        """The job that made each chain's last generation, where one did."""
        return self._senders

    def apply(self, record: Record) -> None:
        """Take a record of the state topic; those of other kinds are passed over."""
        chain = replayed_of(record.key)
        if chain is None:
            return
        if record.value is None:
            with self._lock:
                self._of.pop(chain, None)
                self._senders.pop(chain, None)
            return
        try:
            replay = decoded(record, decode_replay, record.value)
        except RecordCorrupt as error:
            _log.error("not a replay", partition=record.partition, offset=record.offset, error=str(error))
            replay = Replay(delivery_id=chain, generation=_NO_MORE, at_ms=0)
        self._rise([replay])

    def forget(self) -> None:
        """Begin anew: the topic is another one."""
        with self._lock:
            self._of.clear()
            self._senders.clear()

    def written(self, replays: Iterable[Replay]) -> None:
        """These are written, and will be read back."""
        self._rise(replays)

    def _rise(self, replays: Iterable[Replay]) -> None:
        with self._lock:
            for each in replays:
                # What is read back may be behind what was written since.
                if each.generation <= self._of.get(each.delivery_id, 0):
                    continue
                self._of[each.delivery_id] = each.generation
                if each.job_id is None:
                    self._senders.pop(each.delivery_id, None)
                else:
                    self._senders[each.delivery_id] = sys.intern(each.job_id)
