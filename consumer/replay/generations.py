"""How often each chain was replayed, and which job sent it last: the fold of the jobs topic's `replay:` records.

The law: what is told here is never below what the writer of replays has written, also before it was read back; so no
generation is given twice while there is one writer.

A chain is forgotten when its record is deleted (`jobs/forgetting.py`): not by word of a deletion that is older than
what was written of it since.

A chain whose record cannot be read is replayed no more: counting on without it would send twice.
"""

import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Final

import structlog

from consumer.events.event import Record
from consumer.kafka.records import Replay, decode_replay
from consumer.kafka.replayed import replayed_of
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
        self._at_ms: dict[str, int] = {}

    @property
    def of(self) -> Mapping[str, int]:
        """The last generation of each chain; it rises as replays are written."""
        return self._of

    @property
    def senders(self) -> Mapping[str, str]:
        """The job that made each chain's last generation, where one did."""
        return self._senders

    def apply(self, record: Record) -> None:
        """Take a record of the jobs topic; those of other kinds are passed over."""
        chain = replayed_of(record.key)
        if chain is None:
            return
        if record.value is None:
            if self._at_ms.get(chain, 0) < record.timestamp_ms:
                self.drop([chain])
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
            self._at_ms.clear()

    def outlived(self, before_ms: int, among: Iterable[str] | None = None) -> list[str]:
        """The chains that were replayed last before then, of these; none of those that cannot be read."""
        with self._lock:
            chains = self._at_ms if among is None else [each for each in among if each in self._at_ms]
            return [each for each in chains if self._at_ms[each] < before_ms and self._of[each] != _NO_MORE]

    def drop(self, names: Iterable[str]) -> None:
        """These chains are deleted from the topic."""
        with self._lock:
            for chain in names:
                for each in (self._of, self._senders, self._at_ms):
                    each.pop(chain, None)

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
                self._at_ms[each.delivery_id] = each.at_ms
                if each.job_id is None:
                    self._senders.pop(each.delivery_id, None)
                else:
                    self._senders[each.delivery_id] = sys.intern(each.job_id)
