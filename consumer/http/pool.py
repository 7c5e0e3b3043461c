"""The idle connections of the sockets engine. Pure: it closes none, and says which are to be.

The laws:
- a connection is given out for its own origin and its own address only, the one that was used last first: the others
  grow old and go;
- one that has been idle for IDLE_S is not given out.
"""

from collections import OrderedDict
from typing import Final

from consumer.http.connection import Connection

IDLE_S: Final = 118.0  # as libcurl has it: servers are used to it


class Pool:
    """Of one engine. Belongs to its thread."""

    __slots__ = ("_by_place", "_oldest")

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, str], dict[Connection, None]] = {}
        self._oldest: OrderedDict[Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._oldest)

    def put(self, connection: Connection, now_s: float) -> None:
        """It is idle from now on."""
        connection.idle_since_s = now_s
        self._oldest[connection] = None
        place = (connection.to.origin, connection.address)
        idle = self._by_place.get(place)
        if idle is None:
            self._by_place[place] = {connection: None}
        else:
            idle[connection] = None

    def take(self, origin: str, address: str, now_s: float) -> Connection | None:
        """One to send a request on, if there is one."""
        place = (origin, address)
        idle = self._by_place.get(place)
        if idle is None:
            return None
        connection, _ = idle.popitem()
        if now_s - connection.idle_since_s >= IDLE_S:
            idle[connection] = None  # and those before it are older
            return None
        if not idle:
            del self._by_place[place]
        del self._oldest[connection]
        return connection

    def drop(self, connection: Connection) -> None:
        """It is none of those any more."""
        del self._oldest[connection]
        place = (connection.to.origin, connection.address)
        idle = self._by_place[place]
        del idle[connection]
        if not idle:
            del self._by_place[place]

    def oldest(self) -> Connection | None:
        """The one that has been idle for longest."""
        return next(iter(self._oldest), None)

    def expired(self, now_s: float) -> Connection | None:
        """One that has been idle for too long."""
        oldest = self.oldest()
        return oldest if oldest is not None and now_s - oldest.idle_since_s >= IDLE_S else None
