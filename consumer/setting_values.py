"""How the values of settings are written: durations, sizes, lists, origins, paths, networks. Pure.

The law: what is refused is refused with a ValueError that says how to write it. What is taken is given back as it was
written.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import pairwise
from typing import Final

_DURATION: Final = re.compile(r"([0-9]{1,18})(ms|s|m|h|d)")
_UNIT_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_KEY_LENGTH: Final = 32


def duration_ms(text: str) -> int:
    """Read `5s`, `1m`, `2h`, `250ms`, `1d` as milliseconds.

    Raises:
        ValueError: the text is not one number and one unit.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write a whole number and ms, s, m, h or d, as in 30s")
    return int(match[1]) * _UNIT_MS[match[2]]


@dataclass(frozen=True, slots=True)
class Span:
    """What a duration may be: nothing that is computed from it overflows, and none of it is a slip of the finger."""

    least: str
    most: str

    def __call__(self, text: str) -> str:
        return _between(self.least, text, self.most, duration_ms)


_SIZE: Final = re.compile(r"([0-9]{1,9})(MiB|GiB)")
_SIZE_BYTES: Final = {"MiB": 1_048_576, "GiB": 1_073_741_824}


def size_bytes(text: str) -> int:
    """Read `512MiB`, `4GiB` as bytes.

    Raises:
        ValueError: the text is not one number and one unit.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size: write a whole number and MiB or GiB, as in 512MiB")
    return int(match[1]) * _SIZE_BYTES[match[2]]


@dataclass(frozen=True, slots=True)
class Room:
    """What a size may be."""

    least: str
    most: str

    def __call__(self, text: str) -> str:
        return _between(self.least, text, self.most, size_bytes)


def _between(least: str, text: str, most: str, read: Callable[[str], int]) -> str:
    if not read(least) <= read(text) <= read(most):
        raise ValueError(f"{text!r} is out of range: it must be between {least} and {most}")
    return text


DELAY: Final = Span("1ms", "30d")
"""What each of the retry delays may be."""
MOST_DELAYS: Final = 32


def listed(value: object) -> object:
    """Every list is comma-separated."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


_DATA_PATH: Final = re.compile(r"(\$\.)?data(\.(\*|[^.*\[\]\s]{1,256})(\[\*\])*){1,16}")

ORIGIN: Final = re.compile(r"https?://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?")
"""Of a page, as browsers write it: scheme, host in lower case, and a port where it is not the usual one."""


PROXY: Final = re.compile(
    r"(?P<scheme>https?|socks5)://(?:(?P<user>[^:@/\s]+):(?P<password>[^@/\s]*)@)?"
    r"(?P<host>\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):(?P<port>[1-9][0-9]{0,4})/?"
)
"""A forward proxy's URL; user and password are percent-encoded."""
SERVER: Final = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):([1-9][0-9]{0,4})")
"""A host and a port."""
_LARGEST_PORT: Final = 65_535


def strong(key: str) -> str:
    """A key that nobody guesses."""
    if len(key) < _KEY_LENGTH:
        raise ValueError(f"is shorter than {_KEY_LENGTH} characters: make one with head -c 32 /dev/urandom | base64")
    return key


def one_origin(text: str) -> str:
    """The origin that a setting names."""
    if not ORIGIN.fullmatch(text):
        raise ValueError("is no origin: write scheme and host, as in https://hooks.example.com, without a path")
    return text


def an_origin(text: str) -> str:
    """One of the origins that a setting lists."""
    if not ORIGIN.fullmatch(text):
        raise ValueError(f"{text!r} is no origin: write scheme and host, as in https://app.example.com")
    return text


def data_path(text: str) -> str:
    """A path into an event's data."""
    if not _DATA_PATH.fullmatch(text):
        raise ValueError(
            f"{text!r} is no path: write data and the names of up to 16 members, * for any, "
            "as in data.card.number or data.items[*].email"
        )
    return text


def token_source(text: str) -> str:
    """Where tokens come from."""
    kind, _, where = text.partition(":")
    if kind not in {"file", "command"} or not where.strip():
        raise ValueError("write file: and a path, or command: and a program with its arguments")
    return text


def rising_delays(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The delays between tries."""
    delays = [duration_ms(delay) for delay in texts]
    if not delays or delays[0] <= 0 or any(b <= a for a, b in pairwise(delays)):
        raise ValueError("name at least one delay, each longer than the one before, as in 5s,1m,5m")
    if len(delays) > MOST_DELAYS:
        raise ValueError(f"are {len(delays)}, each with a topic of its own: name at most {MOST_DELAYS}")
    return tuple(map(DELAY, texts))


def network(text: str) -> str:
    """A network in CIDR notation."""
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}: write a network in CIDR notation, as in 10.0.0.0/8") from None
    return text


def proxy(text: str) -> str:
    """A forward proxy. What is refused is not repeated: it may hold a password."""
    parts = PROXY.fullmatch(text)
    if parts is None or int(parts["port"]) > _LARGEST_PORT:
        raise ValueError(
            "is no proxy's URL: write http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT, with USER:PASSWORD@ "
            "before the host if it asks for a login"
        )
    return text


def server(text: str) -> str:
    """One of the servers that a setting lists."""
    parts = SERVER.fullmatch(text)
    if parts is None or int(parts[2]) > _LARGEST_PORT:
        raise ValueError(f"{text!r} is no server: write host:port, as in www.example.com:443")
    return text
