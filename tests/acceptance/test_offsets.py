"""Partitions change hands under load: a second supervisor comes and goes, and nothing is lost on the way.

What a hand-over may cost: a duplicate of an attempt that its first owner had in flight when it let go.
"""

from collections.abc import Sequence

from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook, Publisher, owed
from tests.acceptance.hookline import Hookline
from tests.acceptance.ledger import judge, shown
from tests.acceptance.receipts import Receiver
from tests.acceptance.receiver import Temper
from tests.acceptance.stage import Stage

PARTITIONS = 8
BATCH = 100
IN_FLIGHT = 64  # HTTP requests at once, a process: what one change of hands may repeat at most

HOOKS = [
    *(Hook(name=f"healthy-{number}", tenant="acme") for number in range(3)),
    Hook(name="slow", tenant="acme", event_types=("slow.*",), temper=Temper.SLOW),
    Hook(name="flaky", tenant="acme", event_types=("flaky.*",), temper=Temper.FLAKY),
]
TYPES = ("user.created",) * 8 + ("slow.on", "flaky.on")


def test_a_second_supervisor_comes_and_goes_under_load(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=PARTITIONS, options={"HOOKLINE_MAX_IN_FLIGHT": str(IN_FLIGHT)})
    with (
        stage.receiving(HOOKS) as receiver,
        stage.publisher() as publisher,
        stage.running("--processes", "1", log_name="first.log") as first,
    ):
        first.assigned("deliver")
        first.assigned("retry")
        load = _Load(publisher, receiver)
        load.until_delivered(300, first)
        with stage.running("deliver", "retry", "--processes", "1", log_name="second.log") as second:
            load.until_said(second, "partitions assigned", role="deliver", partitions=PARTITIONS // 2)
            load.until_said(second, "partitions assigned", role="retry")
            assert first.said("partitions revoked", role="deliver"), first.tail
            load.until_delivered(300, second)
            code, took_s = second.stop()
            assert code == 0, second.tail
            assert took_s < 10, second.tail
            # Its members are static: their partitions wait for them until their session has ended.
            load.until_moved_back(stage, first)
        promises = owed(publisher.flush(), HOOKS)
        stage.await_end(first, receiver, promises, within_s=60)
        assert first.stop()[0] == 0, first.tail
        receiver.read()
        verdict = judge(promises, receiver.receipts, stage.buried(), stage.tried(), stage.waited())

    assert verdict.broken() == ""
    changes = 2  # to the second and back
    assert sum(verdict.duplicates.values()) <= changes * IN_FLIGHT, (
        f"{len(verdict.duplicates)}: {shown(verdict.duplicates)}\n{first.tail}"
    )
    assert stage.buried() == []


class _Load:
    """Publishes on while it waits."""

    def __init__(self, publisher: Publisher, receiver: Receiver) -> None:
        self._publisher = publisher
        self._receiver = receiver
        self._number = 0

    def until_delivered(self, more: int, running: Hookline) -> None:
        """Until so many more requests have arrived."""
        self._receiver.read()
        wanted = len(self._receiver.receipts) + more

        def arrived() -> bool:
            self._go_on()
            self._receiver.read()
            return len(self._receiver.receipts) >= wanted

        until(arrived, within_s=60, missing=lambda: f"{len(self._receiver.receipts)} of {wanted}\n{running.tail}")

    def until_said(self, running: Hookline, event: str, **fields: object) -> None:
        """Until this log line is there."""

        def said() -> Sequence[object]:
            self._go_on()
            return running.said(event, **fields)

        until(said, within_s=60, missing=lambda: f"{event!r} {fields} not said\n{running.tail}")

    def until_moved_back(self, stage: Stage, first: Hookline) -> None:
        """Until every partition of the event topic is committed again."""
        before = {place: each.committed for place, each in stage.positions("deliver", [stage.event_topic]).items()}

        def moved() -> bool:
            self._go_on()
            now = stage.positions("deliver", [stage.event_topic])
            return all(now[place].committed > committed for place, committed in before.items())

        until(moved, within_s=45, every_s=0.5, missing=lambda: f"{before}\n{first.tail}")

    def _go_on(self) -> None:
        numbers = range(self._number, self._number + BATCH)
        self._number += BATCH
        self._publisher.publish(
            Happening(n=n, id=f"evt-{n}", type=TYPES[n % len(TYPES)], tenant="acme") for n in numbers
        )
