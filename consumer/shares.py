"""Places that all tenants share, such as threads, look-ups or readers of a topic.

The law: one tenant never has more than its share, and a share is smaller than the whole. So whatever one tenant does,
and for as long as it can, another finds a place; nobody waits for one longer than he said.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial


class Busy(Exception):  # noqa: N818 # it names a state, as the glossary does
    """No place is free: the tenant's `own` share is taken, or every place is. Worth trying again in so many seconds."""

    def __init__(self, message: str, *, own: bool, retry_after_s: int) -> None:
        super().__init__(message)
        self.own = own
        self.retry_after_s = retry_after_s


class Shares:
    """The places of one pool, for many threads. `what` is in them, as in "test events"."""

    def __init__(
        self,
        what: str,
        *,
        places: int,
        share: int,
        retry_after_s: int = 1,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        assert 0 < share < places, "else one tenant could take every place"
        self.places = places
        self.share = share
        self._what = what
        self._retry_after_s = retry_after_s
        self._monotonic_s = monotonic_s
        self._taken: Counter[str] = Counter()
        self._all = 0
        self._changed = threading.Condition()

    def enter(self, tenant: str, *, within_s: float = 0.0) -> Callable[[], None]:
        """Take a place, waiting for one at most so long. The function returned gives it back, and is called once.

        Raises:
            Busy: none became free.
        """
        until_s = self._monotonic_s() + within_s
        with self._changed:
            while (busy := self._busy(tenant)) is not None:
                left_s = until_s - self._monotonic_s()
                if left_s <= 0:
                    raise busy
                self._changed.wait(left_s)
            self._taken[tenant] += 1
            self._all += 1
        return partial(self._leave, tenant)

    @contextmanager
    def place(self, tenant: str, *, within_s: float = 0.0) -> Iterator[None]:
        """A place for as long as the context lasts. Raises Busy as `enter` does."""
        leave = self.enter(tenant, within_s=within_s)
        try:
            yield
        finally:
            leave()

    def _busy(self, tenant: str) -> Busy | None:
        if self._taken[tenant] >= self.share:
            message = f"{self.share} {self._what} of this tenant are under way: wait for one of them"
            return Busy(message, own=True, retry_after_s=self._retry_after_s)
        if self._all >= self.places:
            message = f"as many {self._what} as there is room for are under way: try again in a moment"
            return Busy(message, own=False, retry_after_s=self._retry_after_s)
        return None

    def _leave(self, tenant: str) -> None:
        with self._changed:
            self._taken[tenant] -= 1
            self._all -= 1
            if not self._taken[tenant]:
                del self._taken[tenant]
            self._changed.notify_all()
