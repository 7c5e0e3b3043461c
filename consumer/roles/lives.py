"""The lives of a role's clients, one after the other, until the role is to end.

The laws:
- the topics that the role needs are looked at before its first life, until they are once found as they must be;
- Kafka being broken ends a life, and another one begins half a second later. What is not allowed ends the role.
"""

import threading
from collections.abc import Callable
from typing import Final, Protocol

from consumer.kafka.client import AccessDenied, KafkaBroken
from consumer.kafka.newer import NewerRecord
from consumer.roles.requirements import required
from consumer.roles.role import Role
from consumer.settings import Settings
from consumer.telemetry.outage import Outage
from consumer.telemetry.pulse import KAFKA_AWAY, STOPPING, pulse
from consumer.telemetry.snapshot import Reading

AGAIN_S: Final = 0.5


class Life(Protocol):
    """One life of a role's clients."""

    def until(self, stop: threading.Event) -> None:
        """Work. Raises KafkaBroken: the clients have to be made anew."""

    def tell(self, reading: Reading) -> None:
        """How it does, for whoever watches the process."""

    def close(self) -> None:
        """Leave Kafka, and whatever else it speaks to."""


def live(
    settings: Settings, role: Role, stop: threading.Event, interrupted: Outage, begin: Callable[[], Life | None]
) -> None:
    """Live until `stop` is set. `begin` makes a life; None: it is too early for one, and it is asked again.

    Raises:
        ConfigurationError: Kafka's settings are wrong.
        TopicsUnfit: a topic is missing, or not as it must be.
        AccessDenied: an ACL is missing.
        NewerRecord: a newer Hookline has written what this one cannot read.
    """
    checked = False
    while not stop.is_set():
        try:
            if not checked:
                required(settings, [role])
                checked = True
            life = begin()
            if life is None:
                pulse.beat()
                continue
            try:
                pulse.ask(role, life.tell)
                life.until(stop)
            finally:
                pulse.lacks = (STOPPING,)
                pulse.forget(role)
                life.close()
        except (AccessDenied, NewerRecord):
            raise
        except KafkaBroken as error:
            interrupted.met(error=str(error))
            pulse.lacks = (KAFKA_AWAY,)
            pulse.beat()
            stop.wait(AGAIN_S)
