"""Ordered webhooks on a real Kafka: one after the other of each key, each of them tried until it is accepted."""

from consumer.webhooks.subscription import OnFailure
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook, owed
from tests.acceptance.ledger import judge
from tests.acceptance.receiver import Temper

HOOKS = [
    Hook(name="by-kind", tenant="acme", temper=Temper.FLAKY, ordering="data.kind"),
    Hook(name="by-key", tenant="acme", ordering="key"),
    Hook(name="beside", tenant="acme"),
]


def test_a_key_is_delivered_in_its_order_while_each_of_it_fails_twice(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=1, options={"HOOKLINE_RETRY_DELAYS": "100ms,200ms,300ms"})
    happenings = [Happening(n=n, id=f"evt-{n}", type="user.created", tenant="acme") for n in (0, 1, 2, 7, 8, 9)]
    with stage.receiving(HOOKS) as receiver, stage.publisher() as publisher:
        publisher.publish(happenings)
        promises = owed(publisher.flush(), HOOKS)
        with stage.running("deliver", "retry", "projection") as running:
            stage.await_end(running, receiver, promises, within_s=60)
            assert running.stop()[0] == 0, running.tail
        receiver.read()
        assert judge(promises, receiver.receipts, stage.buried()).broken() == ""
    met = [receipt for receipt in receiver.receipts if receipt.endpoint == "by-kind"]
    for kind in "ab":
        wanted = [f"evt-{happening.n}" for happening in happenings if happening.kind == kind]
        found = [receipt for receipt in met if receipt.webhook_id in wanted]
        assert [receipt.webhook_id for receipt in found] == [each for each in wanted for _ in range(3)]
        for first, second, third in zip(found[::3], found[1::3], found[2::3], strict=True):
            assert second.at_ms - first.at_ms >= 100
            assert third.at_ms - second.at_ms >= 200
    lined = stage.read(
        stage.topics.ordered
    )  # from each key's first failure on; what was accepted at once never was there
    assert len(lined) == len(happenings)
    assert len({record.key for record in lined}) == 2


def test_a_key_that_stopped_goes_on_as_its_customer_says_and_a_replay_goes_before_what_waits(
    build_stage: BuildStage,
) -> None:
    stage = build_stage(partitions=1, options={"HOOKLINE_RETRY_DELAYS": "100ms"})
    hook = Hook(
        name="stops", tenant="acme", temper=Temper.FLAKY, ordering="data.kind", on_failure=OnFailure.BLOCK
    )  # each event fails twice, and has two attempts
    happenings = [Happening(n=n, id=f"evt-{n}", type="user.created", tenant="acme") for n in (0, 1, 2)]
    with stage.receiving([hook]) as receiver, stage.publisher() as publisher:
        publisher.publish(happenings)
        publisher.flush()
        with stage.running("deliver", "retry", "projection") as running:

            def met(*wanted: str) -> None:
                """These requests came and were logged, and nothing else."""
                until(lambda: len(stage.tried()) >= len(wanted), within_s=20, missing=lambda: running.tail)
                receiver.read()
                assert [receipt.webhook_id for receipt in receiver.receipts] == [*wanted]

            met("evt-0", "evt-0")
            stage.command("webhooks", "unblock", hook.name, "--head", "retry")
            met("evt-0", "evt-0", "evt-0", "evt-1", "evt-1")
            stage.command("webhooks", "unblock", hook.name, "--head", "drop")
            met("evt-0", "evt-0", "evt-0", "evt-1", "evt-1", "evt-2", "evt-2")
            assert [(each.pair[0], each.reason) for each in stage.buried()] == [("evt-1", "blocked")]
            stage.command("dead-letters", "replay", "--all")
            met("evt-0", "evt-0", "evt-0", "evt-1", "evt-1", "evt-2", "evt-2", "evt-1")
            stage.command("webhooks", "unblock", hook.name, "--head", "retry")
            met("evt-0", "evt-0", "evt-0", "evt-1", "evt-1", "evt-2", "evt-2", "evt-1", "evt-2")
            until(lambda: not stage.unfinished(), within_s=20, missing=lambda: f"{stage.unfinished()}\n{running.tail}")
            assert running.stop()[0] == 0, running.tail
    accepted = [receipt.webhook_id for receipt in receiver.receipts if receipt.accepted]
    assert accepted == ["evt-0", "evt-1", "evt-2"]
