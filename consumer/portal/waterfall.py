"""Where an attempt's time went, as bars. Pure."""

from dataclasses import dataclass
from typing import Final

from consumer.portal.told import Timing

WIDTH: Final = 300
_LEAST: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One of them, `key` its word's: how long it took, and where its bar is."""

    key: str
    ms: str
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """`total`: all of it; None: it is not told. `again`: the connection was there already."""

    phases: tuple[Phase, ...]
    total: str | None
    again: bool


def waterfall(timing: Timing) -> Waterfall:
    """The phases in their order: each begins where the one before it ended. A look-up comes before the request."""
    before_ms = timing.dns_ms or 0.0
    connected_ms = (timing.connect_ms or 0.0) + (timing.tls_ms or 0.0)
    known: list[tuple[str, float | None]] = [
        ("timing.dns", timing.dns_ms),
        ("timing.connect", timing.connect_ms),
        ("timing.tls", timing.tls_ms),
    ]
    if timing.first_byte_ms is not None:
        known.append(("timing.waiting", max(0.0, timing.first_byte_ms - connected_ms)))
        if timing.total_ms is not None:
            known.append(("timing.reading", max(0.0, timing.total_ms - timing.first_byte_ms)))
    elif timing.total_ms is not None:
        known.append(("timing.unanswered", max(0.0, timing.total_ms - connected_ms)))
    whole = sum(ms or 0.0 for _, ms in known) or 1.0
    phases: list[Phase] = []
    at = 0.0
    for key, ms in known:
        if ms is None:
            continue
        width = ms / whole * WIDTH
        x = min(at, WIDTH - _LEAST)
        phases.append(Phase(key=key, ms=_ms(ms), x=round(x, 1), width=round(max(_LEAST, min(width, WIDTH - x)), 1)))
        at += width
    total = None if timing.total_ms is None else _ms(timing.total_ms + before_ms)
    return Waterfall(phases=tuple(phases), total=total, again=timing.new_connection is False)


def _ms(ms: float) -> str:
    return f"{ms:.1f} ms" if ms < 10 else f"{ms:,.0f} ms"  # noqa: PLR2004 # tenths say something below
