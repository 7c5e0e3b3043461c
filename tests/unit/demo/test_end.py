"""The demo comes to an end, whatever becomes of its deliveries."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast

import pytest

from consumer.demo import run, stage
from consumer.demo.receiver import Receiver
from consumer.demo.replays import Replays
from consumer.demo.scenario import Plan, Row
from consumer.settings import Settings


class Silence:
    """Nobody watches."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def update(self, elapsed_s: float, doing: str, rows: Sequence[Row]) -> None:
        pass


class InVain(Replays):
    """What is replayed is never accepted."""

    def ask(self, dead: frozenset[str]) -> bool:
        return not dead


def test_replays_in_vain_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_SETTLE_WITHIN_S", 0.2)
    nobody = cast("Receiver", None), cast("stage.Roles", None)
    demo = run._Demo(Settings(), Plan(for_s=1.0), *nobody, Silence())
    demo.tally.died("0" * 32, "crm", "evt_1")
    demo._replay(InVain(Settings()), lambda _doing: time.sleep(0.01))
    assert demo.tally.dead_deliveries == {"0" * 32}
