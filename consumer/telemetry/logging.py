"""Structured logs on stderr: one JSON object a line, or columns for people.

The law: every line says when (UTC, milliseconds), where (role, slot, pid) and what, and no line holds a secret,
whoever wrote it: our own loggers and those of the libraries go through the same redaction.
"""

import logging
import os
import sys
from datetime import UTC, datetime

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from consumer.settings import Settings
from consumer.telemetry.redaction import sayable, scrubbed

# At INFO these write a line for each request, with its URL; a URL can be a secret (Slack's and Discord's are).
_TALKATIVE = ("httpx", "httpcore", "urllib3", "asyncio")


def configure(settings: Settings, *, role: str, slot: int | None = None) -> None:
    """Send structlog's and the standard library's logs to stderr as the settings say, from now on.

    `role` and `slot` are put on every line. May be called again; the last call counts.
    """
    form = settings.log_format or ("console" if sys.stderr.isatty() else "json")
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if form == "json" else _columns()
    _configure(settings.log_level, renderer, _placed(role, slot))


def configure_for_a_command() -> None:
    """The same for a command at a terminal: warnings only, in columns, without a place."""
    _configure("warning", _columns(), _timed)


def _configure(level_name: str, renderer: Processor, place: Processor) -> None:
    level = logging.getLevelNamesMapping()[level_name.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            place,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_IntoStructlog()]
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


def redact(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """A structlog processor: everything on the line becomes sayable, the traceback included."""
    return {
        name: scrubbed(value) if name in {"event", "exception"} and isinstance(value, str) else sayable(name, value)
        for name, value in line.items()
    }


def _timed(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"time": now, **line}


def _placed(role: str, slot: int | None) -> Processor:
    """Adds when and where. The place is fixed for the process, so it is not kept in a context variable."""
    where: dict[str, object] = {"role": role, "pid": os.getpid()}
    if slot is not None:
        where["slot"] = slot

    def place(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
        return _timed(logger, method, {**line, **where, **line})  # what happened stands before where

    return place


def _columns() -> Processor:
    return structlog.dev.ConsoleRenderer(
        timestamp_key="time",
        colors=sys.stderr.isatty(),
        sort_keys=False,
        # The default formatter prints the local variables of every frame: secrets among them.
        exception_formatter=structlog.dev.plain_traceback,
        pad_event_to=40,
    )


class _IntoStructlog(logging.Handler):
    """Takes what confluent_kafka, redis, httpx and `warnings` log."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None
        )
