"""Asking a supervisor's admin port.

The law: it imports the standard library only, because a container's health check starts it every few seconds
(`probe.py`).
"""

import http.client
from typing import Final

WITHIN_S: Final = 5.0
_MOST_BYTES: Final = 67_108_864
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # what is listened at, not bound here


class AdminSilent(Exception):  # noqa: N818 # it names what happened, as the glossary does
    """Nobody answers, or somebody else than a supervisor does; the message says why. `status` is 503 or None."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def place_of(listen: str) -> tuple[str, int] | None:
    """Where to ask whoever listens there; None where that names no port."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) == 0:
        return None
    return _ANYWHERE.get(host, host), int(port)


def asked(place: tuple[str, int], path: str, *, within_s: float = WITHIN_S) -> bytes:
    """What is answered with 200. Each step of it may take so long.

    Raises:
        AdminSilent: anything else.
    """
    connection = http.client.HTTPConnection(*place, timeout=within_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AdminSilent(str(error) or type(error).__name__) from None
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise AdminSilent(f"HTTP {answer.status}: {body.decode(errors='replace').strip()[:500]}", status=answer.status)
    return body
