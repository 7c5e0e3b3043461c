"""Schemas from the registry: each is asked for until it is answered, whatever becomes of the others.

The laws: a schema that was never asked for goes before those that were asked in vain, and these never hold all threads;
so a new schema waits for no more than one try of another, which the registry's timeouts bound. One schema that can not
be had, or that we fail to compile, costs its own records only.

Imported only where a registry is configured: its client costs a process 11 MB.
"""

import heapq
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Final

import structlog

from consumer.delivery.boundary import Boundary
from consumer.events.reasons import PoisonReason
from consumer.events.registry import Registry, RegistryUnreachable
from consumer.events.schema import RefusedSchema, SchemaAnswer
from consumer.replies import Replies
from consumer.roles.lookup import leave
from consumer.telemetry.bugs import contain, reported
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("pool")

_THREADS: Final = 4
_AGAIN_S: Final = 1.0
_AGAIN_MOST_S: Final = 8.0


class SchemaLookup:
    """Asks in threads of its own. `fd` becomes readable when there is something to take."""

    def __init__(self, registry: Registry, *, threads: int = _THREADS, again_s: float = _AGAIN_S) -> None:
        self._registry = registry
        self._again_s = again_s
        self._again_at_once = max(1, threads - 1)
        self._moved = threading.Condition()
        self._new: deque[int] = deque()
        self._again: list[tuple[float, int, int]] = []  # when, schema, how often in vain
        self._asking_again = 0
        self._in_vain: set[int] = set()
        self._closing = False
        self._unreachable = Outage(_log, "schema registry unreachable")
        self._replies: Replies[Mapping[int, SchemaAnswer]] = Replies()
        self.fd = self._replies.fd
        self._threads = [
            threading.Thread(target=self._run, name=f"schemas-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, schema_id: int) -> None:
        """Ask; the answer comes from `take`, or never if this is closed before."""
        with self._moved:
            self._new.append(schema_id)
            self._moved.notify()

    def take(self) -> list[Mapping[int, SchemaAnswer]]:
        """The answers that have come, by schema.

        Raises:
            MemoryError: the process had none left while a schema was compiled.
        """
        return self._replies.take()

    def close(self) -> None:
        """End the threads. One that waits for a registry for too long is left behind."""
        with self._moved:
            self._closing = True
            self._moved.notify_all()
        leave(self._threads)
        self._replies.close()

    def _run(self) -> None:
        while (question := self._next()) is not None:
            schema_id, in_vain = question
            try:
                answer = self._registry.fetch(schema_id)
            except RegistryUnreachable as error:
                self._failed(schema_id, in_vain, error)
            except MemoryError as error:
                self._replies.put(error)
            except Exception as error:  # noqa: BLE001 - the registry raises nothing else: it is a bug of the compiler
                contain(Boundary.DECODE, error, schema_id=schema_id)
                self._answered(schema_id, in_vain)
                bug = RefusedSchema(reason=PoisonReason.BUG, detail=reported(Boundary.DECODE, error))
                self._replies.put({schema_id: bug})
            else:
                self._answered(schema_id, in_vain)
                self._replies.put({schema_id: answer})

    def _next(self) -> tuple[int, int] | None:
        """A schema and how often it was asked for in vain; None at the end."""
        with self._moved:
            while not self._closing:
                if self._new:
                    return self._new.popleft(), 0
                wait_s = None
                if self._again and self._asking_again < self._again_at_once:
                    wait_s = self._again[0][0] - time.monotonic()
                    if wait_s <= 0:
                        _, schema_id, in_vain = heapq.heappop(self._again)
                        self._asking_again += 1
                        return schema_id, in_vain
                self._moved.wait(wait_s)
            return None

    def _failed(self, schema_id: int, in_vain: int, error: RegistryUnreachable) -> None:
        with self._moved:
            self._asking_again -= in_vain > 0
            self._in_vain.add(schema_id)
            self._unreachable.met(schema_id=schema_id, error=str(error.__cause__ or error))
            again_s = time.monotonic() + min(self._again_s * 2 ** min(in_vain, 10), _AGAIN_MOST_S)
            heapq.heappush(self._again, (again_s, schema_id, in_vain + 1))
            self._moved.notify()

    def _answered(self, schema_id: int, in_vain: int) -> None:
        with self._moved:
            self._asking_again -= in_vain > 0
            self._in_vain.discard(schema_id)
            if not self._in_vain:
                self._unreachable.over()
            self._moved.notify()
