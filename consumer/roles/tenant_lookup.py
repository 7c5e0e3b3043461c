"""Tenants' webhooks from the cache: those with few together, those with many one after the other, beside them.

The laws:
- no tenant waits for the webhooks of one that has many: these are counted where they are, and the answer is that it has
  many. Who asks for it alone gets them from a lane of their own, which is at work for half of the time at most. It
  shares the interpreter with the loop;
- so many tenants at most are read in one round trip, and what it brought is told before the next one;
- each question gets its answer; an exception surfaces in `take`. That the cache cannot tell is one line in the log.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

import structlog

from consumer.delivery.tenants import Loading
from consumer.replies import Replies
from consumer.roles.lookup import leave
from consumer.telemetry.outage import Outage
from consumer.webhooks.reader import Many, Unavailable

Wanted: TypeAlias = Mapping[str, str | None]
Read: TypeAlias = Callable[[Wanted, int], tuple[Mapping[str, Loading], list[str]]]

# What a batch may hold the others up for: of 500 webhooks decoding takes 20 ms, and 80 ms where all have filters.
FEW: Final = 500
AT_ONCE: Final = 100
_MOST: Final = 2**53

_log = structlog.get_logger("pool")


class TenantLookup:
    """Asks in two threads of its own. `fd` becomes readable when there is something to take."""

    def __init__(self, read: Read) -> None:
        """`read`, for two threads: `Reader.read_small`."""
        self._read = read
        self._doubts = Doubts()
        self._small: queue.SimpleQueue[Wanted | None] = queue.SimpleQueue()
        self._large: queue.SimpleQueue[tuple[str, str | None] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._replies: Replies[Mapping[str, Loading]] = Replies()
        self.fd = self._replies.fd
        lanes = {"tenants": self._read_small, "large-tenants": self._read_large}
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in lanes.items()]
        for thread in self._threads:
            thread.start()

    def ask(self, question: Wanted) -> None:
        """Ask for tenants, with the versions known; the replies come from `take`, in any order."""
        self._small.put(question)

    def ask_alone(self, question: Wanted) -> None:
        """Ask for tenants that have many webhooks, each for itself."""
        for each in question.items():
            self._large.put(each)

    def take(self) -> list[Mapping[str, Loading]]:
        """The replies that have come.

        Raises:
            Exception: whatever a look-up raised.
        """
        replies = self._replies.take()
        for reply in replies:
            self._doubts.heard(reply)
        return replies

    def close(self) -> None:
        """End the threads. One that reads for too long is left behind."""
        self._closing.set()
        self._small.put(None)
        self._large.put(None)
        leave(self._threads)
        self._replies.close()

    def _read_small(self) -> None:
        while (question := self._small.get()) is not None:
            for wanted in _batches(question):
                if self._closing.is_set():
                    return
                try:
                    found, many = self._read(wanted, FEW)
                except Exception as error:  # noqa: BLE001 - raised again by `take`, in the thread that can act on it
                    self._replies.put(error)
                    continue
                self._replies.put({**found, **dict.fromkeys(many, Many())})

    def _read_large(self) -> None:
        while (question := self._large.get()) is not None and not self._closing.is_set():
            began_s = time.monotonic()
            try:
                found, _ = self._read(dict([question]), _MOST)
            except Exception as error:  # noqa: BLE001 - as above
                self._replies.put(error)
            else:
                self._replies.put(found)
            self._closing.wait(time.monotonic() - began_s)


class Doubts:
    """That the cache cannot tell is said once, and once that it can for every tenant again. Belongs to one thread."""

    def __init__(self) -> None:
        self._unreadable = Outage(_log, "webhooks unreadable")
        self._in_doubt: set[str] = set()

    def heard(self, readings: Mapping[str, Loading]) -> None:
        """What the cache said of these tenants."""
        for tenant, reading in readings.items():
            if isinstance(reading, Unavailable):
                self._in_doubt.add(tenant)
                self._unreadable.met(reason=reading.reason)
            else:
                self._in_doubt.discard(tenant)
        if not self._in_doubt:
            self._unreadable.over()


def _batches(question: Wanted) -> Iterator[dict[str, str | None]]:
    asked = list(question.items())
    for start in range(0, len(asked), AT_ONCE):
        yield dict(asked[start : start + AT_ONCE])
