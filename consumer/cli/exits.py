"""How a command ends: with an exit code of sysexits.h and, when it failed, one line that says why.

The law: what a person can mend (usage, input, a service out of reach, configuration) is one line without a
traceback; a traceback means a bug.
"""

import os
import sys
from typing import Final

INTERRUPTED: Final = 130
"""128 and SIGINT's number, as shells have it; sysexits.h has none."""


class CommandFailed(Exception):  # noqa: N818  # it names what happened, as the glossary does
    """The command could not do what was asked; the message is for a person, `code` for a script."""

    def __init__(self, code: int, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


def usage(message: str, *, field: str | None = None) -> CommandFailed:
    """Asked for in a way that makes no sense: 64. `field` is the flag or the argument that makes none."""
    return CommandFailed(os.EX_USAGE, message, field=field)


def bad_input(message: str) -> CommandFailed:
    """The input's data is wrong: 65."""
    return CommandFailed(os.EX_DATAERR, message)


def unavailable(message: str) -> CommandFailed:
    """A service is out of reach: 69."""
    return CommandFailed(os.EX_UNAVAILABLE, message)


def code_of(error: BaseException) -> int:
    """The exit code for an error of the clients' libraries, ours, or a bug."""
    if isinstance(error, CommandFailed):
        return error.code
    # By name: importing every client only to compare classes would cost each command its start.
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"ConfigurationError", "TopicsUnfit"}:
        return os.EX_CONFIG
    if names & {"KafkaBroken", "KafkaException", "RedisError"}:
        return os.EX_UNAVAILABLE
    return os.EX_SOFTWARE


def say(message: str) -> None:
    """One line on stderr, under the command's name."""
    sys.stderr.write(f"hookline: {' '.join(message.split())}\n")
