"""Whether a process traces, by the settings, and where its traces go.

The law: a process that does not trace loads nothing for it, and has no thread of it.
"""

import os
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Final

from consumer.delivery.spans import spans_of
from consumer.delivery.tracing import Traced, Tracing
from consumer.roles.role import Role
from consumer.settings import ConfigurationError, Settings
from consumer.telemetry.otlp_options import OtlpOptions
from consumer.telemetry.span_queue import SpanQueue

_LIBRARY: Final = "opentelemetry.proto"
_DISABLED: Final = "OTEL_SDK_DISABLED"


def check(settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
    """Whether what the settings ask for can be done here.

    Raises:
        ConfigurationError: it cannot; the message says what to do.
    """
    if settings.traces == "off":
        return
    if not _installed():
        raise ConfigurationError(
            "HOOKLINE_TRACES", "otlp needs OpenTelemetry's messages: install hookline[otel], or write off"
        )
    OtlpOptions.of(environ)


def tracing_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> Tracing | None:
    """What is traced; None: nothing."""
    if settings.traces == "off" or environ.get(_DISABLED, "").lower() == "true":
        return None
    return Tracing(settings.traces_ratio, follow=settings.traces_follow)


def open_traces(tracing: Tracing | None, role: Role, slot: int, group: str) -> SpanQueue[Traced] | None:
    """Where the traced attempts of this process go. Close it in the end.

    Raises:
        ConfigurationError: see `check`.
    """
    if tracing is None:
        return None
    from consumer.telemetry.otlp import OtlpExporter  # noqa: PLC0415 # see the law

    about = {"hookline.role": str(role), "hookline.slot": str(slot)}
    return SpanQueue(partial(spans_of, group=group), OtlpExporter(OtlpOptions.of(os.environ), about))


def _installed() -> bool:
    try:
        return find_spec(_LIBRARY) is not None
    except ModuleNotFoundError:  # of one whose package is not there either
        return False
