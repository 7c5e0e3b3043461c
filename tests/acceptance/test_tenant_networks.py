"""A network granted to one tenant, on the whole path: his first tries and retries reach it, and nobody else's."""

import pytest

from consumer.kafka.records import decode_attempt
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook
from tests.acceptance.receiver import Temper


@pytest.mark.parametrize("engine", ["auto", "curl"])
def test_what_is_granted_to_one_tenant_is_reached_by_him_alone(build_stage: BuildStage, engine: str) -> None:
    options = {
        "HOOKLINE_ALLOW_NETWORKS": "10.99.0.0/16",
        "HOOKLINE_TENANT_NETWORKS": "acme=127.0.0.0/8",
        "HOOKLINE_TRANSPORT": engine,
    }
    stage = build_stage(partitions=2, options=options)
    hooks = [
        Hook(name="granted", tenant="acme"),
        Hook(name="granted-flaky", tenant="acme", temper=Temper.FLAKY),
        Hook(name="other", tenant="globex"),
        Hook(name="written-alike", tenant="Acme"),
    ]
    with (
        stage.receiving(hooks) as receiver,
        stage.running("--processes", "1") as running,
        stage.publisher() as publisher,
    ):
        publisher.publish(
            [
                Happening(n=n, id=f"evt-{n}", type="user.created", tenant=tenant)
                for n, tenant in enumerate(("acme", "globex", "Acme"))
            ]
        )
        publisher.flush()

        def accepted() -> set[str]:
            receiver.read()
            return {each.endpoint for each in receiver.receipts if each.accepted}

        until(
            lambda: accepted() >= {"granted", "granted-flaky"} and len(stage.buried()) >= 2,
            within_s=40,
            missing=lambda: f"accepted {accepted()}, buried {stage.buried()}\n{running.tail}",
        )
        assert running.stop()[0] == 0, running.tail
        receiver.read()

    assert {each.endpoint for each in receiver.receipts} == {"granted", "granted-flaky"}
    assert {each.pair[1] for each in stage.buried()} == {"other", "written-alike"}
    attempts = [decode_attempt(each.value or b"") for each in stage.read(stage.topics.attempts)]
    refused = [each for each in attempts if each.tenant != "acme"]
    assert {each.subscription_id for each in refused} == {"other", "written-alike"}
    assert {(each.status, each.failure) for each in refused} == {(None, "address_refused")}
