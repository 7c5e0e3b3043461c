"""How a command ends: with an exit code of sysexits.h and, when it failed, one line that says why.

The law: what a person can mend (usage, input, a service out of reach, configuration) is one line without a traceback,
or with `--json` one JSON object; a traceback means a bug. What others wrote reaches a terminal escaped.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from consumer.cli.flag_names import flag_of
from consumer.json import Json
from consumer.telemetry.printable import printable
from consumer.webhooks.wrong import FieldInvalid

INTERRUPTED: Final = 130
"""128 and SIGINT's number, as shells have it; sysexits.h has none."""

# By name: importing every client only to compare classes would cost each command its start.
_CODES: Final[Mapping[str, int]] = {
    "CycloptsError": os.EX_USAGE,
    "FieldInvalid": os.EX_DATAERR,
    "WebhookUnknown": os.EX_DATAERR,
    "BrandUnknown": os.EX_DATAERR,
    "Conflict": os.EX_TEMPFAIL,
    "UidTaken": os.EX_DATAERR,
    "SecretUnreadable": os.EX_CONFIG,
    "ConfigurationError": os.EX_CONFIG,
    "TopicsUnfit": os.EX_CONFIG,
    "TopicMissing": os.EX_CONFIG,
    "KafkaBroken": os.EX_UNAVAILABLE,
    "KafkaException": os.EX_UNAVAILABLE,
    "RedisError": os.EX_UNAVAILABLE,
    "KeyboardInterrupt": INTERRUPTED,
}


class CommandFailed(Exception):  # noqa: N818  # it names what happened, as the glossary does
    """The command could not do what was asked; the message is for a person, `code` for a script.

    `field` is the flag, the argument or the setting that is wrong, where one is.
    """

    def __init__(self, code: int, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


def usage(message: str, *, field: str | None = None) -> CommandFailed:
    """Asked for in a way that makes no sense: 64."""
    return CommandFailed(os.EX_USAGE, message, field=field)


def bad_input(message: str, *, field: str | None = None) -> CommandFailed:
    """The input's data is wrong: 65."""
    return CommandFailed(os.EX_DATAERR, message, field=field)


def unavailable(message: str, *, field: str | None = None) -> CommandFailed:
    """A service is out of reach: 69."""
    return CommandFailed(os.EX_UNAVAILABLE, message, field=field)


def code_of(error: BaseException) -> int:
    """The exit code for an error of the clients' libraries, ours, or a bug."""
    if isinstance(error, CommandFailed):
        return error.code
    known = (_CODES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _CODES)
    return next(known, os.EX_SOFTWARE)


def tell(error: BaseException, *, as_json: bool) -> int:
    """Say on stderr why a command failed, in its form; returns the exit code."""
    code = code_of(error)
    if not as_json:
        say(str(error.renamed(flag_of)) if isinstance(error, FieldInvalid) else _message(error))
        return code
    shown: dict[str, Json] = {"code": code, "field": _field(error), "message": _message(error)}
    if isinstance(error, FieldInvalid):  # all of them, by their flags
        shown |= {
            "message": error.message,
            "errors": [
                {"field": each.field, "code": each.code.value, "message": each.message}
                for each in error.renamed(flag_of).wrong
            ],
        }
    _line({"error": shown})
    return code


def warn(field: str, message: str, *, as_json: bool) -> None:
    """Say on stderr what is odd and stops nothing, in its form."""
    if as_json:
        _line({"warning": {"field": field, "message": message}})
    else:
        say(f"{field}: {message}")


def told(errors: Sequence[BaseException], *, as_json: bool) -> int:
    """Say each of them; the exit code of the first, or 0 where there is none."""
    codes = [tell(each, as_json=as_json) for each in errors]
    return codes[0] if codes else os.EX_OK


def say(message: str) -> None:
    """One line on stderr, under the command's name."""
    sys.stderr.write(f"hookline: {printable(' '.join(message.split()))}\n")


def json_asked(tokens: Sequence[str]) -> bool:
    """Whether a command line, right or wrong, asks for JSON."""
    return "--json" in tokens[: tokens.index("--") if "--" in tokens else None]


def encoded(value: Json | Mapping[str, Json]) -> str:
    """JSON on one line, for a terminal too."""
    return printable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _line(value: Mapping[str, Json]) -> None:
    sys.stderr.write(encoded(value) + "\n")


def _message(error: BaseException) -> str:
    code = code_of(error)
    if code == INTERRUPTED:
        return "interrupted"
    if code == os.EX_USAGE and not isinstance(error, CommandFailed):
        return f"{error} (see hookline --help)"
    return str(error)


def _field(error: BaseException) -> str | None:
    """What is wrong, by the name that its user gave it: a flag, an argument, a field, a setting."""
    if (field := getattr(error, "field", None)) is not None:
        return flag_of(str(field)) if isinstance(error, FieldInvalid) else str(field)
    if type(error).__name__ == "BrandUnknown":
        return flag_of("brand")
    argument, token = getattr(error, "argument", None), getattr(error, "token", None)
    named = getattr(argument, "name", None) or getattr(token, "keyword", None) or getattr(token, "value", None)
    return None if named is None else str(named).partition("=")[0]
