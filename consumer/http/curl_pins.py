"""What libcurl is told of names, so that it never looks one up: its own cache of them, filled by us.

The law: a request is added to libcurl only when its cache has the request's addresses for the URL's host and port, or
is told them with this very request.

What is not obvious: libcurl's cache belongs to all requests of an engine. What is told with one is there for the others
from its beginning on, and that comes later than its adding: so whoever is added in the same turn is told again.
"""

from typing import Final
from urllib.parse import urlsplit

KEPT_S: Final = 900
"""How long libcurl keeps what it was told."""
_TOLD_AGAIN_S: Final = 300.0
_REMEMBERED: Final = 50_000
_PORTS: Final = {"https": 443, "http": 80}


class Pins:
    """Of one engine. Belongs to its thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}  # by URL
        self._telling: dict[str, tuple[str, ...]] = {}  # with the requests that have not begun
        self._again_s = 0.0

    def lacking(self, url: str, addresses: tuple[str, ...]) -> list[bytes] | None:
        """What to tell with the request that is added now (CURLOPT_RESOLVE); None: it is known."""
        if self._known.get(url) == addresses:
            return None
        self._known.pop(url, None)
        self._telling[url] = addresses
        return _pins(url, addresses)

    def told(self, now_s: float) -> None:
        """Every request that was added has begun."""
        if self._telling:
            self._known.update(self._telling)
            self._telling.clear()
        if now_s >= self._again_s or len(self._known) > _REMEMBERED:
            self._again_s = now_s + _TOLD_AGAIN_S
            self._known.clear()

    def forget(self, url: str) -> None:
        """A request was taken back, and may not have begun."""
        self._known.pop(url, None)
        self._telling.pop(url, None)


def _pins(url: str, addresses: tuple[str, ...]) -> list[bytes]:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):  # no URL that is ever stored, and none that libcurl reads
        return []
    pin = f"+{_in_url(parts.hostname or '')}:{port}:{','.join(map(_in_url, addresses))}"
    return [pin.encode()]


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
