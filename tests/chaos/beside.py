"""The hostile process as the run sees it: let loose, quieted, and taken away with all that it made.

The law: once it has ended, no webhook of its tenants is left, so that nothing of it is waited for.
"""

import json
import math
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from consumer.control.refusal import Conflict
from consumer.control.writes import write
from consumer.kafka import subscriptions
from consumer.webhooks.history import Deletion
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Published
from tests.acceptance.ledger import Pair
from tests.chaos import hostile
from tests.chaos.arena import Arena
from tests.chaos.faults import now_ms
from tests.services.server import LocalProcess

MORE_MS: Final = 1_000
"""So much longer may the others wait at p99."""

_READY_WITHIN_S: Final = 120.0
_SETTLED_S: Final = 2.0
_WELL: Final = ("north-", "south-")
_OTHERS: Final = ("south-changing-", "south-later-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long, in ms at p99, well webhooks' first deliveries took, without the hostile and beside them."""

    alone_ms: int
    beside_ms: int

    @property
    def beyond_ms(self) -> int:
        """By how much the bar is missed."""
        return max(0, self.beside_ms - self.alone_ms - MORE_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Events published from then until then."""

    from_ms: int
    until_ms: int


class Beside:
    """The hostile process of a run."""

    def __init__(self, built: Arena, seed: int, python: Sequence[str], environment: Mapping[str, str]) -> None:
        self._built = built
        ready = built.folder / hostile.READY
        asked = hostile.Asked(
            folder=str(built.folder),
            bootstrap=built.kafka.bootstrap,
            topic=built.stage.event_topic,
            api=built.api_url,
            key=built.operator_key,
            seed=seed,
        )
        self._process = LocalProcess(
            [*python, "tests.chaos.hostile", json.dumps(asdict(asked))],
            log=built.folder / "hostile.out",
            environment=environment,
        )
        self._process.start()
        until(ready.exists, within_s=_READY_WITHIN_S, missing=self._process.log_tail)
        port = json.loads(ready.read_text())["port"]
        built.subscribe(hostile.hooks(), lambda hook: f"http://127.0.0.1:{port}/{hook.name[-1]}")

    def compare(self, for_s: float) -> tuple[Span, Span]:
        """Let time pass without them, and as much beside them; from then on they are loose."""
        alone = _passed(for_s)
        self._tell(signal.SIGUSR1)
        time.sleep(_SETTLED_S)
        beside = _passed(for_s)
        time.sleep(_SETTLED_S)
        return alone, beside

    def end(self) -> None:
        """They stop, and every webhook of theirs is deleted."""
        self._process.kill()
        for each in subscriptions.read_all(self._built.settings).values():
            if each.tenant.startswith(hostile.TENANT):
                with suppress(Conflict):  # what it changed last came in between: its end is as good
                    write(self._built.settings, Deletion.of(each))

    def _tell(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)


def compared(events: Iterable[Published], arrivals: Mapping[Pair, Sequence[int]], alone: Span, beside: Span) -> Waits:
    """The waits of both spans. Pure."""
    times = {event.webhook_id: event.time_ms for event in events}
    took: tuple[list[int], list[int]] = ([], [])
    for (event, webhook), came in arrivals.items():
        if not webhook.startswith(_WELL) or webhook.startswith(_OTHERS) or event not in times:
            continue
        for span, found in zip((alone, beside), took, strict=True):
            if span.from_ms <= times[event] < span.until_ms:
                found.append(came[0] - times[event])
    return Waits(alone_ms=p99(took[0]), beside_ms=p99(took[1]))


def p99(values: Sequence[int]) -> int:
    """The value that 99 of 100 do not exceed; 0 of none."""
    return sorted(values)[math.ceil(len(values) * 0.99) - 1] if values else 0


def bugs(folder: Path) -> int:
    """How often a process of Hookline said that it met a bug of its own: `bug`, or `bug contained`."""
    return sum(path.read_bytes().count(b'"event": "bug') for path in folder.glob("hookline-*.log"))


def _passed(for_s: float) -> Span:
    from_ms = now_ms()
    time.sleep(for_s)
    return Span(from_ms=from_ms, until_ms=now_ms())
