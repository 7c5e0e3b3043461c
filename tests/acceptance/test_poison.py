"""A record that is no event goes to `poison`, is mended there, and reaches its webhook."""

import json
import subprocess

from confluent_kafka import Producer

from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Hook
from tests.acceptance.hookline import clean, command


def test_a_poison_record_is_mended_and_delivered(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=2)
    event = {"id": "evt-1", "type": "order.paid", "data": {"n": 1}}
    with (
        stage.receiving([Hook(name="healthy", tenant="acme")]) as receiver,
        stage.running("projection", "deliver", "--processes", "1") as running,
    ):
        running.assigned("deliver")
        producer = Producer({"bootstrap.servers": stage.settings.kafka["bootstrap.servers"]})
        producer.produce(stage.event_topic, json.dumps(event), "acme", partition=1)
        producer.flush()
        until(lambda: bool(stage.read(stage.topics.poison)), within_s=30, missing=lambda: running.tail)
        (stage.folder / "mended.json").write_text(json.dumps({"tenant": "acme", **event}))
        asked = command("poison", "replay", f"{stage.event_topic}-1-0", "--value", "mended.json", "--json")
        done = subprocess.run(asked, env=clean(stage.environment), cwd=stage.folder, capture_output=True, check=True)
        assert json.loads(done.stdout)["replayed"] == 1
        until(lambda: bool(receiver.read() or receiver.receipts), within_s=30, missing=lambda: running.tail)
        assert running.stop()[0] == 0, running.tail
        receiver.read()
        assert [(each.webhook_id, each.accepted) for each in receiver.receipts] == [("evt-1", True)]
        assert len(stage.read(stage.topics.poison)) == 1
