"""The demo's broker has every topic that a role of it needs: nobody creates one there."""

from consumer.demo.stage import RETRY_DELAYS, topic_names
from consumer.kafka.topic_specs import specs
from consumer.settings import Settings


def test_every_topic_of_ours_is_there() -> None:
    settings = Settings(retry_delays=RETRY_DELAYS)
    assert {spec.name for spec in specs(settings, event_bytes=0)} <= {*topic_names()}
