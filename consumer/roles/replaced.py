"""What was sent again and accepted: told to the other processes, and heard from them, in a thread of its own.

The laws:
- the loop never waits for it, and asks for nothing: what is new comes about a second after it was told;
- where Redis is away what was to be told is dropped, and what was told meanwhile is heard later.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from consumer.delivery.replaced import Replaced
from consumer.replies import Replies
from consumer.roles.lookup import leave
from consumer.standings.replaced import ReplacedStore
from consumer.webhooks.cache import CacheUnavailable

_EVERY_S: Final = 1.0
_SKEW_MS: Final = 10_000
"""By so much the clocks of those who tell may differ."""


class ReplacedExchange(Protocol):
    """Whoever is told and tells."""

    fd: int

    def tell(self, names: Sequence[str]) -> None:
        """Of these deliveries no further try is wanted."""

    def take(self) -> Sequence[Sequence[str]]:
        """What was told since the last call."""

    def close(self) -> None:
        """Nothing more is told or heard."""


class ReplacedNews:
    """A `ReplacedExchange` with Redis. `fd` becomes readable when there is something to take."""

    def __init__(
        self,
        store: ReplacedStore,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        every_s: float = _EVERY_S,
    ) -> None:
        self._store = store
        self._now_ms = now_ms
        self._every_s = every_s
        self._told: queue.SimpleQueue[Sequence[str] | None] = queue.SimpleQueue()
        self._replies: Replies[Sequence[str]] = Replies()
        self.fd = self._replies.fd
        self._thread = threading.Thread(target=self._run, name="replaced", daemon=True)
        self._thread.start()

    def tell(self, names: Sequence[str]) -> None:
        """Of these deliveries no further try is wanted."""
        self._told.put(names)

    def take(self) -> list[Sequence[str]]:
        """What is new.

        Raises:
            Exception: a bug of the exchange.
        """
        return self._replies.take()

    def close(self) -> None:
        """End the thread when all is told. One that waits for Redis for too long is left behind."""
        self._told.put(None)
        leave([self._thread])
        self._replies.close()
        self._store.close()

    def _next(self, until_s: float) -> Sequence[str] | None:
        """What is to be told; nothing when it is time to look; None at the end."""
        try:
            return self._told.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            return ()

    def _run(self) -> None:
        known, since_ms, look_s = Replaced(), 0, time.monotonic()
        try:
            while (names := self._next(look_s)) is not None:
                if names:
                    with suppress(CacheUnavailable):
                        self._store.add(names, self._now_ms())
                if time.monotonic() < look_s:
                    continue
                look_s, asked_ms = time.monotonic() + self._every_s, self._now_ms()
                with suppress(CacheUnavailable):
                    new = known.heard(self._store.since(since_ms))
                    since_ms = asked_ms - _SKEW_MS
                    if new:
                        self._replies.put(new)
        except Exception as error:  # noqa: BLE001 - raised again by `take`, in the thread that can act on it
            self._replies.put(error)
