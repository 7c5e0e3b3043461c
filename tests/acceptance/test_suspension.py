"""An endpoint that only fails is suspended, and so is one that says it is gone; its tenant is told of either."""

import json
from collections.abc import Iterator

import pytest

from consumer.kafka import subscriptions
from consumer.webhooks.subscription import Status
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook
from tests.acceptance.hookline import Hookline
from tests.acceptance.receipts import Receiver
from tests.acceptance.receiver import Temper
from tests.acceptance.stage import Stage

NOTICE = "webhook.suspended"

FAILING = Hook(name="failing", tenant="acme", temper=Temper.DEAD, event_types=("post.created",))
GONE = Hook(name="gone", tenant="acme", temper=Temper.GONE, event_types=("post.deleted",))
WATCHING = Hook(name="watching", tenant="acme", event_types=(NOTICE,))
BY_PATTERN = Hook(name="by-pattern", tenant="acme", event_types=("webhook.*",))
WANTING_OTHERS = Hook(name="wanting-others", tenant="acme", event_types=("post.updated",))
STRANGER = Hook(name="stranger", tenant="umbra", event_types=(NOTICE,))
HOOKS = [FAILING, GONE, WATCHING, BY_PATTERN, WANTING_OTHERS, STRANGER]

OPTIONS = {"HOOKLINE_SUSPEND_AFTER": "2s", "HOOKLINE_SUSPEND_ATTEMPTS": "3"}


@pytest.fixture
def stage(build_stage: BuildStage) -> Stage:
    return build_stage(options=OPTIONS)


def test_failing_and_gone_endpoints_are_suspended_and_the_tenant_is_told_once(stage: Stage) -> None:
    with stage.receiving(HOOKS) as receiver, stage.publisher() as publisher, stage.running() as running:
        running.until_said("health loaded", times=stage.settings.partitions)
        events = _events("post.created")
        publisher.publish([Happening(n=0, id="gone-0", type="post.deleted", tenant="acme")])

        def one_more_and_both_are_suspended() -> bool:
            publisher.publish([next(events)])
            return _suspended(stage) == {"failing", "gone"}

        until(
            one_more_and_both_are_suspended,
            within_s=30,
            every_s=0.5,
            missing=lambda: f"{_suspended(stage)}\n{running.tail}",
        )
        notices = _told(receiver, running, to=WATCHING)
        assert {each["id"] for each in notices.values()} == {"failing", "gone"}
        assert _told(receiver, running, to=BY_PATTERN) == notices
        code, took_s = running.stop()
        assert (code, took_s < 10) == (0, True)
    told = [each for each in receiver.receipts if each.webhook_id.startswith("suspended-")]
    assert sorted(each.endpoint for each in told) == sorted([WATCHING.name, BY_PATTERN.name] * 2)
    for data in notices.values():
        assert data["origin"].startswith("http://127.0.0.1:")
        assert data["origin"].count("/") == 2, "its path may be a credential"
    assert notices["gone"]["reason"] == "the endpoint answered HTTP 410"
    assert notices["failing"]["reason"].startswith("failed since ")
    assert len(running.said("webhook suspended", webhook="failing")) == 1


def _events(*types: str) -> Iterator[Happening]:
    number = 0
    while True:
        for type_ in types:
            number += 1
            yield Happening(n=number, id=f"{type_}-{number}", type=type_, tenant="acme")


def _suspended(stage: Stage) -> set[str]:
    found = subscriptions.read_all(stage.settings)
    return {name for name, each in found.items() if each.status is Status.SUSPENDED}


def _told(receiver: Receiver, running: Hookline, *, to: Hook) -> dict[str, dict[str, str]]:
    """The data of the two notices that an endpoint got, by the webhook they are about."""

    def notices() -> dict[str, dict[str, str]]:
        receiver.read()
        bodies = [json.loads(each.body) for each in receiver.receipts if each.endpoint == to.name]
        return {each["data"]["id"]: each["data"] for each in bodies if each["type"] == NOTICE}

    until(lambda: len(notices()) == 2, within_s=10, missing=lambda: f"{notices()}\n{running.tail}")
    return notices()
