"""Tokens that say who we are, for SASL's OAUTHBEARER: read from a file, or printed by a command.

The laws: all clients of a process have one source, so a command is run once for all of them, and again when half of its
token's life is over. A token stands in no error: what is wrong with one is told by where it came from.

A JSON Web Token says itself when it ends (`exp`, RFC 7519); it is not verified here, since the broker does that. Any
other token is taken to hold for five minutes.
"""

import base64
import binascii
import json
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

from consumer.settings import ConfigurationError

SETTING: Final = "HOOKLINE_KAFKA_TOKEN_FROM"
_OPAQUE_S: Final = 300.0
_COMMAND_S: Final = 8.0  # librdkafka gives up on a client's first token after ten
_MOST_CHARS: Final = 65_536
_PARTS: Final = 3

Given: TypeAlias = tuple[str, float]
"""A token, and when it ends (seconds since 1970)."""
Ask: TypeAlias = Callable[[str], Given]
"""As confluent_kafka calls it: with `sasl.oauthbearer.config`, which is not used."""


class TokenUnusable(Exception):  # noqa: N818 # it names a state, as the glossary does
    """There is no token now; the message says whose fault that is."""


class Tokens:
    """Of one source, for the threads of all clients. `read` gives a token's text."""

    def __init__(self, read: Callable[[], str], *, now_s: Callable[[], float] = time.time) -> None:
        self._read = read
        self._now_s = now_s
        self._asking = Lock()
        self._given: Given = ("", 0.0)
        self._good_until_s = 0.0

    def __call__(self, _config: str = "") -> Given:
        """A token that still holds.

        Raises:
            TokenUnusable: the source has none.
        """
        with self._asking:
            now_s = self._now_s()
            if now_s >= self._good_until_s:
                token = _one_word(self._read())
                ends_s = _ends_s(token) or now_s + _OPAQUE_S
                if ends_s <= now_s:
                    raise TokenUnusable("the token that it gives has ended already")
                self._given, self._good_until_s = (token, ends_s), now_s + (ends_s - now_s) / 2
            return self._given


@cache
def tokens(source: str) -> Tokens:
    """The tokens of `file:PATH` or `command:WORDS`, as `Settings.kafka_token_from` says it.

    Raises:
        ConfigurationError: there is no such file or program.
    """
    kind, _, where = source.partition(":")
    if kind == "file":
        path = Path(where.strip())
        if not path.is_file():
            raise ConfigurationError(SETTING, f"there is no file {path}")
        return Tokens(lambda: _of_file(path))
    try:
        words = shlex.split(where)
    except ValueError as error:
        raise ConfigurationError(SETTING, f"is no command line: {error}") from None
    program = shutil.which(words[0])
    if program is None:
        raise ConfigurationError(SETTING, f"there is no program {words[0]}, or it may not be run")
    return Tokens(lambda: _of_command([program, *words[1:]]))


def _of_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise TokenUnusable(f"the file {path} cannot be read: {why}") from None


def _of_command(words: list[str]) -> str:
    """What it prints. What it says on standard error goes where ours goes."""
    try:
        done = subprocess.run(  # noqa: S603 # the operator's own command
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_COMMAND_S, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        raise TokenUnusable(f"{words[0]} did not end within {_COMMAND_S:g} s") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TokenUnusable(f"{words[0]} could not be run: {type(error).__name__}") from None
    if done.returncode != 0:
        raise TokenUnusable(f"{words[0]} ended with {done.returncode}")
    return done.stdout


def _one_word(text: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token or len(token) > _MOST_CHARS:
        raise TokenUnusable(f"what it gives is no token: one word is wanted, at most {_MOST_CHARS:,} characters")
    return token


def _ends_s(token: str) -> float | None:
    """When a JSON Web Token says that it ends; None for any other."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    ends = claims.get("exp") if isinstance(claims, dict) else None
    return float(ends) if isinstance(ends, int | float) else None
