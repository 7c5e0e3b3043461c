"""The barrier in front of every request, shared by all that wait for it.

The law: who passes has seen every write that was acknowledged before it came: it waits for a round that began after.
One round runs at a time, so that however many wait, one thread does.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Freshness:
    """For one event loop. `fresh` blocks until this process has read so far, or raises."""

    def __init__(self, fresh: Callable[[], None]) -> None:
        self._fresh = fresh
        # Not one of the threads that routes run in: the barrier must not wait behind a slow route.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="freshness")
        self._running: asyncio.Future[None] | None = None
        self._next: asyncio.Future[None] | None = None

    async def wait(self) -> None:
        """Wait for a round. Raises whatever `fresh` raises."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._round(self._running))
        # Shielded: one whose client went away must not take the round from the others.
        await asyncio.shield(self._next)

    async def _round(self, before: "asyncio.Future[None] | None") -> None:
        if before is not None and not before.done():
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        await asyncio.get_running_loop().run_in_executor(self._thread, self._fresh)
