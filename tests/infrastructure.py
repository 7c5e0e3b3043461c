"""What the tests of infrastructure faults share: a stage with two webhooks, and delivery that goes on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook, Publisher, owed
from tests.acceptance.hookline import Hookline
from tests.acceptance.ledger import judge
from tests.acceptance.receipts import Receiver
from tests.acceptance.receiver import Temper
from tests.acceptance.stage import Stage

# Enough for every role to say what it has to say once, and far from a line for each of its attempts.
FEW_LINES = 80

HOOKS = (
    Hook(name="healthy", tenant="acme"),
    Hook(name="flaky", tenant="acme", event_types=("flaky.*",), temper=Temper.FLAKY),
)


@dataclass(slots=True, kw_only=True)
class Work:
    """Events go in, deliveries come out."""

    stage: Stage
    receiver: Receiver
    publisher: Publisher
    number: int = 0

    def publish(self, events: int, *, type_: str = "flaky.on") -> None:
        """So many more events, acknowledged when this returns."""
        numbers = range(self.number, self.number + events)
        self.number += events
        self.publisher.publish(Happening(n=n, id=f"evt-{n}", type=type_, tenant="acme") for n in numbers)
        self.publisher.flush()

    @property
    def accepted(self) -> int:
        """Requests accepted so far."""
        self.receiver.read()
        return sum(receipt.accepted for receipt in self.receiver.receipts)

    def until_accepted(self, number: int, running: Hookline, within_s: float = 45.0) -> None:
        """Wait until so many were accepted in all."""
        until(
            lambda: self.accepted >= number,
            within_s=within_s,
            missing=lambda: f"{self.accepted} of {number}\n{running.tail}",
        )

    def ends_well(self, running: Hookline, within_s: float = 60.0) -> None:
        """Everything is delivered, by itself, and nothing is lost; it stops with 0."""
        promises = owed(self.publisher.flush(), HOOKS)
        self.stage.await_end(running, self.receiver, promises, within_s=within_s)
        assert running.stop()[0] == 0, running.tail
        self.receiver.read()
        verdict = judge(promises, self.receiver.receipts, self.stage.buried(), self.stage.tried(), self.stage.waited())
        assert verdict.broken() == ""


@contextmanager
def working(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    bootstrap: str,
    redis_url: str,
    prefix: str,
    options: Mapping[str, str] | None = None,
) -> Iterator[Work]:
    """A stage whose webhooks exist; Hookline is not running yet."""
    stage = Stage.build(
        folder, monkeypatch, bootstrap=bootstrap, redis_url=redis_url, prefix=prefix, partitions=2, options=options
    )
    with stage.receiving(HOOKS) as receiver, stage.publisher() as publisher:
        yield Work(stage=stage, receiver=receiver, publisher=publisher)


def lines(running: Hookline) -> int:
    """How much it said."""
    return len(running.log.splitlines())
