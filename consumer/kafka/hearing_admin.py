"""An admin client that hears why Kafka does not let it in: librdkafka tells that beside the answer, and there alone.

The law: a setting is blamed only for what waiting cannot mend (`refusals.py`).
"""

from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient

from consumer.kafka.client import Value, build, client_properties
from consumer.kafka.refusals import refused
from consumer.settings import ConfigurationError, Settings


class HearingAdmin:
    """`client` is to be asked, and `heard` is what it had to say meanwhile."""

    def __init__(self, settings: Settings, **more: Value) -> None:
        """`more`: properties of this client alone.

        Raises:
            ConfigurationError: the Kafka properties are wrong.
            KafkaBroken: there is no token now.
        """
        self._users = settings.kafka
        self.heard: list[KafkaError] = []
        self.client = build(AdminClient, {**client_properties(settings), **more, "error_cb": self.heard.append})

    def blamed(self) -> ConfigurationError | None:
        """The setting that is to blame for its not being let in; None where it may be let in yet."""
        self.client.poll(0)
        return refused(self.heard, self._users)
