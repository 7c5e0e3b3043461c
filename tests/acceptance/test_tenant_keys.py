"""With tenants' data keys on the whole way works, and an erased tenant can be read by nobody, while others go on."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any, Final

import pytest
from confluent_kafka import Producer

from consumer.data_keys.kept_keys import read_keys
from consumer.data_keys.opening import Opening
from consumer.delivery.delivery import Bodies
from consumer.kafka.sealed import is_sealed
from tests.acceptance.api import client, new_key, url_of
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Hook
from tests.acceptance.hookline import Hookline
from tests.acceptance.receipts import Receiver
from tests.acceptance.receiver import Temper
from tests.acceptance.stage import Stage

PLAIN: Final = "a plain text that nobody else has " + os.urandom(12).hex()
OPTIONS: Final = {
    "HOOKLINE_TENANT_KEYS": "on",
    "HOOKLINE_API_LISTEN": "127.0.0.1:0",
    "HOOKLINE_RETRY_DELAYS": "1s,2s",
}
ROLES: Final = ("projection", "deliver", "retry", "log", "jobs", "api", "--processes", "1")
HOOKS: Final = (
    Hook(name="healthy", tenant="acme"),
    Hook(name="ordered", tenant="acme", temper=Temper.FLAKY, ordering="data.n"),  # what fails lines up
    Hook(name="flaky", tenant="acme", temper=Temper.FLAKY),
    Hook(name="dead", tenant="acme", temper=Temper.DEAD),
    Hook(name="other", tenant="other"),
)


@pytest.fixture
def stage(build_stage: BuildStage) -> Stage:
    return build_stage(options=OPTIONS, partitions=2)


def publish(stage: Stage, *events: tuple[str, str]) -> None:
    """Events of these ids, for these tenants."""
    producer = Producer({"bootstrap.servers": stage.settings.kafka["bootstrap.servers"]})
    for name, tenant in events:
        data = {"n": 1, "told": PLAIN, "of": tenant}
        event = {"id": name, "type": "order.paid", "tenant": tenant, "data": data}
        producer.produce(stage.event_topic, json.dumps(event), name)
    assert producer.flush(20) == 0


def no_event(stage: Stage, tenant: str) -> None:
    """A record of a tenant that is none, for want of a type."""
    producer = Producer({"bootstrap.servers": stage.settings.kafka["bootstrap.servers"]})
    producer.produce(stage.event_topic, json.dumps({"id": "none", "tenant": tenant, "data": {"told": PLAIN}}), "none")
    assert producer.flush(20) == 0


def poisoned(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stage.command("poison", "list", "--json").splitlines()]


def accepted(receiver: Receiver) -> set[tuple[str, str]]:
    receiver.read()
    return {(each.endpoint, each.webhook_id) for each in receiver.receipts if each.accepted}


def values(stage: Stage) -> Iterator[tuple[str, bytes]]:
    """Each value, and each header, on the topics of ours that hold what is written for tenants."""
    topics = stage.topics
    for topic in (topics.attempts, topics.dead_letter, topics.ordered, topics.poison, *topics.retry_topics):
        for each in stage.read(topic):
            if each.value is not None:
                yield topic, each.value
            for _, value in each.headers:
                yield f"{topic}: header", value or b""


def letters(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stage.command("dead-letters", "list", "--json").splitlines()]


def is_there(stage: Stage, tenant: str) -> list[str]:
    kept = read_keys(stage.settings)
    assert kept is not None
    return [each.id for each in kept.of(tenant)]


def within(holds: Callable[[], bool], running: Hookline, why: Callable[[], object]) -> None:
    until(holds, within_s=40, every_s=0.2, missing=lambda: f"{why()}\n{running.tail}")


def its_log_shows_bodies(stage: Stage, running: Hookline) -> str:
    """An attempt, as its customer sees it by the API; its id."""
    with client(url_of(running), new_key(stage, "--tenant", "acme", "--scope", "read", "--scope", "bodies")) as acme:
        rows: list[dict[str, Any]] = []

        def listed() -> bool:
            rows[:] = acme.get("/v1/attempts", params={"webhook": "dead"}).json()["data"]
            return bool(rows)

        within(listed, running, lambda: rows)
        shown = acme.get(f"/v1/attempts/{rows[0]['id']}").json()
        assert (PLAIN in shown["request"]["body"], shown["request"]["bodyKept"]) == (True, "whole")
        assert {"webhook-id", "webhook-signature"} <= {each["name"] for each in shown["request"]["headers"]}
        sought = acme.get("/v1/attempts", params={"contains": PLAIN, "webhook": "dead"}).json()["data"]
        assert shown["id"] in {each["id"] for each in sought}
        return str(shown["id"])


def its_dead_letter_is_sent_again(stage: Stage, running: Hookline) -> None:
    [letter] = [each for each in letters(stage) if each["event_id"] == "first"]
    assert PLAIN in stage.command("dead-letters", "show", letter["id"], "--json")
    assert json.loads(stage.command("dead-letters", "replay", letter["id"], "--json"))["replayed"] == 1
    stage.command("resend", letter["id"], "--again", "--tenant", "acme")  # by way of a job

    def tried() -> list[str]:
        with closing(Opening.of(stage.settings)) as opening:
            return [opening.attempt(each.value or b"").trigger for each in stage.read(stage.topics.attempts)]

    within(lambda: {"replay", "resend"} <= {*tried()}, running, tried)


def test_what_was_written_for_an_erased_tenant_is_read_by_nobody(stage: Stage) -> None:
    with ExitStack() as stack:
        receiver = stack.enter_context(stage.receiving(HOOKS))
        running = stack.enter_context(stage.running(*ROLES))
        running.assigned("deliver")
        running.assigned("retry")
        publish(stage, ("first", "acme"), ("first", "stranger"), ("first", "other"))
        wanted = {("healthy", "first"), ("ordered", "first"), ("flaky", "first"), ("other", "first")}
        within(lambda: accepted(receiver) >= wanted, running, lambda: accepted(receiver))
        no_event(stage, "acme")
        within(lambda: len(letters(stage)) == 1, running, lambda: letters(stage))
        within(lambda: len(poisoned(stage)) == 1, running, lambda: poisoned(stage))
        attempt = its_log_shows_bodies(stage, running)
        its_dead_letter_is_sent_again(stage, running)
        [poison] = poisoned(stage)
        assert PLAIN in stage.command("poison", "show", poison["place"], "--json")

        found = [*values(stage)]
        assert {topic for topic, _ in found} >= {
            stage.topics.attempts,
            stage.topics.ordered,
            stage.topics.dead_letter,
            stage.topics.poison,
            stage.topics.retry(0),
            stage.topics.retry(1),
        }
        assert [topic for topic, value in found if PLAIN.encode() in value] == []
        assert {topic for topic, value in found if not (is_sealed(value) or topic.endswith("header"))} == set()
        assert (is_there(stage, "stranger"), len(is_there(stage, "other"))) == ([], 1)

        publish(stage, ("waits", "acme"))
        within(
            lambda: ("healthy", "waits") in accepted(receiver), running, lambda: accepted(receiver)
        )  # it fails at two others, and waits there
        its_keys = is_there(stage, "acme")
        receipt = json.loads(stage.command("tenants", "erase", "acme", "--yes", "--json"))
        assert receipt["erased"]["dataKeys"] == len(its_keys) > 0
        assert receipt["unreached"] == []
        assert is_there(stage, "acme") == []
        assert len(is_there(stage, "other")) == 1
        assert running.stop()[0] == 0, running.tail

        again = stack.enter_context(stage.running(*ROLES, log_name="again.log"))  # which never knew the key
        again.assigned("retry")
        publish(stage, ("second", "other"), ("second", "acme"))
        within(lambda: ("other", "second") in accepted(receiver), again, lambda: accepted(receiver))
        within(lambda: not stage.unfinished(), again, stage.unfinished)
        assert is_there(stage, "acme") == []
        assert [each for each in letters(stage) if each["tenant"] == "acme"] == []
        assert "can never be read again: its tenant was erased" in stage.command(
            "log", "show", attempt, "--tenant", "acme"
        )
        with closing(Opening.of(stage.settings)) as opening:
            told = [opening.attempt(each.value or b"") for each in stage.read(stage.topics.attempts)]
        mine = [each for each in told if each.tenant == "acme"]
        assert mine
        assert {(each.bodies, each.request_body, each.request_headers) for each in mine} == {(Bodies.ERASED, b"", ())}
        assert {each.bodies for each in told if each.tenant == "other"} == {Bodies.WHOLE}
        assert poisoned(stage) == []
        assert again.stop()[0] == 0, again.tail
        assert "Traceback" not in running.log + again.log
