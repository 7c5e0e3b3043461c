"""One event for more webhooks than are planned at once goes through chunk records and reaches each of them once."""

from consumer.delivery.delivery import Chunk
from tests.acceptance.conftest import BuildStage
from tests.acceptance.happenings import Happening, Hook, owed
from tests.acceptance.ledger import judge

WEBHOOKS = 300
FAN_OUT = 64


def test_an_event_for_300_webhooks_reaches_each_once(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=2, options={"HOOKLINE_FAN_OUT": str(FAN_OUT)})
    hooks = [Hook(name=f"hook-{number:03}", tenant="acme") for number in range(WEBHOOKS)]
    hooks += [Hook(name=f"other-{number:03}", tenant="globex") for number in range(FAN_OUT)]
    with (
        stage.receiving(hooks) as receiver,
        stage.running("--processes", "1") as running,
        stage.publisher() as publisher,
    ):
        publisher.publish(
            [
                Happening(n=1, id="large", type="user.created", tenant="acme"),
                Happening(n=2, id="just-small-enough", type="user.created", tenant="globex"),
            ]
        )
        promises = owed(publisher.flush(), hooks)
        stage.await_end(running, receiver, promises, within_s=40)
        assert running.stop()[0] == 0, running.tail
        receiver.read()
        verdict = judge(promises, receiver.receipts, stage.buried())

    assert verdict.broken() == ""
    assert verdict.duplicates == {}
    spilled = [delayed for delayed, _ in stage.delayed(0)]
    assert sorted(len(each.subscription_ids) for each in spilled if isinstance(each, Chunk)) == [100, 100, 100]
    assert len(receiver.receipts) == WEBHOOKS + FAN_OUT
