"""How many requests of one tenant may be under way at once.

The law: a tenant's slow requests (a URL whose name server is silent, an endpoint that hangs in a test) leave room for
the others': the threads that routes run in are more than several tenants can hold.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final

from consumer.api.problem import Refusal

AT_ONCE: Final = 20
THREADS: Final = 120


class Room:
    """For one event loop."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()

    def enter(self, tenant: str) -> Callable[[], None]:
        """Begin a request; the function returned ends it.

        Raises:
            Refusal: 429.
        """
        if self._under_way[tenant] >= AT_ONCE:
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{AT_ONCE} requests of this tenant are under way: wait for one of them",
                headers={"Retry-After": "1"},
            )
        self._under_way[tenant] += 1
        return partial(self._leave, tenant)

    def _leave(self, tenant: str) -> None:
        self._under_way[tenant] -= 1
        if not self._under_way[tenant]:
            del self._under_way[tenant]
