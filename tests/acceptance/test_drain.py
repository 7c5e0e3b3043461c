"""How processes end and come back: SIGTERM under load and while starting, a wrong setting, a crash."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook, owed
from tests.acceptance.hookline import clean, command, hookline
from tests.acceptance.ledger import Pair, judge, shown
from tests.acceptance.receipts import Receiver
from tests.acceptance.receiver import UNANSWERED, Temper

EVENTS = 4_000
DRAIN_S = 10.0

HOOKS = [
    *(Hook(name=f"healthy-{number}", tenant="acme") for number in range(2)),
    Hook(name="slow", tenant="acme", event_types=("slow.*",), temper=Temper.SLOW),
    Hook(name="hanging", tenant="acme", event_types=("hanging.*",), temper=Temper.HANGING, timeout_ms=30_000),
]


def happenings() -> list[Happening]:
    """One of forty hangs, one of ten is slow."""
    return [
        Happening(
            n=n,
            id=f"evt-{n}",
            type="hanging.on" if n % 40 == 0 else "slow.on" if n % 10 == 1 else "user.created",
            tenant="acme",
        )
        for n in range(EVENTS)
    ]


def accepted(receiver: Receiver) -> int:
    receiver.read()
    return sum(receipt.accepted for receipt in receiver.receipts)


def test_sigterm_under_load_loses_nothing_and_repeats_only_the_unanswered(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=4, options={"HOOKLINE_RETRY_FOR": "12s", "HOOKLINE_WAIT_FOR": "12s"})
    with stage.receiving(HOOKS) as receiver, stage.publisher() as publisher:
        with stage.running("--processes", "1", log_name="first.log") as running:
            running.assigned("deliver")
            running.assigned("retry")
            publisher.publish(happenings())
            promises = owed(publisher.flush(), HOOKS)
            until(
                lambda: accepted(receiver) > 500 and any(each.status == UNANSWERED for each in receiver.receipts),
                within_s=30,
                missing=lambda: f"{accepted(receiver)} accepted\n{running.tail}",
            )
            code, took_s = running.stop()
            assert code == 0, running.tail
            assert took_s < DRAIN_S, running.tail
            assert len(running.said("drained")) == 2, running.tail
            assert not running.said("not drained in time: some deliveries will be repeated"), running.tail
        receiver.read()
        answered = {(each.webhook_id, each.endpoint) for each in receiver.receipts if each.status != UNANSWERED}
        at_stop = len(receiver.receipts)
        assert len(answered) < len(promises.bodies), "it was all over before the drain: nothing is shown"

        with stage.running("--processes", "1", log_name="second.log") as running:
            stage.await_end(running, receiver, promises, within_s=90)
            assert running.stop()[0] == 0, running.tail
        receiver.read()
        verdict = judge(promises, receiver.receipts, stage.buried(), stage.tried(), stage.waited())

    assert verdict.broken() == ""
    repeated: set[Pair] = {(each.webhook_id, each.endpoint) for each in receiver.receipts[at_stop:]} & answered
    assert not repeated, f"{len(repeated)} repeated though they were answered before the end: {shown(repeated)}"
    assert verdict.duplicates == {}


def test_sigterm_while_starting(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=2)
    for said in ("process started", "partitions assigned"):
        with stage.running("--processes", "1", log_name=f"{said}.log") as running:
            running.until_said(said)
            code, took_s = running.stop()
            assert code == 0, running.tail
            assert took_s < DRAIN_S, running.tail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOOKLINE_RETRY_DELAYS", "5s,1s"),
        ("HOOKLINE_EVENT_TOPICS", ""),
        ("HOOKLINE_ENCRYPTION_KEYS", "k1:short"),
        ("HOOKLINE_REDIS_URL", "http://nowhere"),
        ("HOOKLINE_KAFKA_ACKS", "many"),
    ],
)
def test_a_wrong_setting_ends_it_with_78_and_its_name(build_stage: BuildStage, name: str, value: str) -> None:
    stage = build_stage(partitions=1)
    with stage.running("--processes", "1", **{name: value}) as running:
        assert running.wait(20) == os.EX_CONFIG, running.tail
        assert name in running.log


def test_history_that_nobody_decided_about_ends_it_with_78_and_is_not_delivered(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=1)
    with stage.receiving(HOOKS) as receiver, stage.publisher() as publisher:
        publisher.publish(happenings()[:3])
        publisher.flush()
        undecided = {name: value for name, value in stage.environment.items() if name != "HOOKLINE_START"}
        with hookline(undecided, stage.folder, "--processes", "1") as running:
            assert running.wait(20) == os.EX_CONFIG, running.tail
            assert "HOOKLINE_START: this group starts for the first time, and these topics hold" in running.log
            assert f"{stage.event_topic}: 3 records, since " in running.log
        receiver.read()
        assert receiver.receipts == []


def test_a_missing_event_topic_is_named_and_the_others_are_read(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=1)
    with stage.running("--processes", "1", HOOKLINE_EVENT_TOPICS=f"{stage.event_topic},absent") as running:
        running.until_said("topic not as advised", problem="absent: missing")
        running.assigned("deliver")


def test_sigterm_before_anything_is_imported(build_stage: BuildStage, tmp_path: Path) -> None:
    stage = build_stage(partitions=1)
    with subprocess.Popen(
        command("run", "--until-input-ends"),
        cwd=tmp_path,
        env=clean(stage.environment),
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.terminate()
        # Python itself may not have come as far as our first line.
        assert process.wait(DRAIN_S) in (0, -signal.SIGTERM)


def test_a_killed_process_of_each_role_comes_back_and_delivery_goes_on(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=2)
    hooks = [
        Hook(name="healthy", tenant="acme"),
        Hook(name="flaky", tenant="acme", event_types=("flaky.*",), temper=Temper.FLAKY),
    ]
    with (
        stage.receiving(hooks) as receiver,
        stage.running("--processes", "1") as running,
        stage.publisher() as publisher,
    ):
        running.assigned("deliver")
        running.assigned("retry")
        for number, role in enumerate(("deliver", "retry", "projection")):
            running.kill(role)
            publisher.publish([Happening(n=number, id=f"evt-{number}", type="flaky.on", tenant="acme")])
            stage.await_end(running, receiver, owed(publisher.flush(), hooks), within_s=30)
            assert len(running.said("process ended", of=role, code=-signal.SIGKILL)) == 1
        assert running.stop()[0] == 0, running.tail
