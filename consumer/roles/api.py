"""The role `api`: the REST API.

The law: it listens from its first second to its last and says by /readyz whether it can do what it is for; what it was
asked before a stop it answers.
"""

import threading
import time
from contextlib import ExitStack
from functools import partial
from typing import Final

import structlog

from consumer.api.application import application
from consumer.api.server import Server
from consumer.api.services import Services
from consumer.brands.loader import load_brands
from consumer.control import canary
from consumer.control.control import Control
from consumer.control.cursor import Cursors
from consumer.control.endpoint import check_endpoint
from consumer.control.key_uses import KeyUses
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topics import Topics, require
from consumer.log.store import HealthReader
from consumer.roles.listening import listener
from consumer.roles.role import Role, needed_by
from consumer.settings import Settings, duration_ms
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("api")

_AGAIN_S: Final = 0.5
_TURN_S: Final = 0.5
_SWEEP_EVERY_S: Final = 60.0
# Of the 10 s that a process may take to end, what comes after the last answer.
_CLOSING_MS: Final = 1_000


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Serve until `stop` is set.

    Raises:
        ConfigurationError: a setting is wrong, or an encryption key is not the one its id names.
        TopicsUnfit: a topic is missing, or not as it must be.
    """
    del slot
    with ExitStack() as opened:
        control = Control(settings)
        healths, uses = HealthReader(settings), KeyUses(settings)
        opened.callback(healths.close)
        opened.callback(uses.close)
        services = Services(
            plane=control,
            healths=healths,
            uses=uses,
            once=control.once,
            cursors=Cursors(control.keyring),
            check_url=partial(check_endpoint, settings=settings),
        )
        app = application(services, load_brands(settings.brands_dir))
        bound = listener(settings, stop)
        if bound is None:
            return
        opened.enter_context(control)
        drain_s = max(1, (duration_ms(settings.drain_for) - _CLOSING_MS) // 1_000)
        server = opened.enter_context(Server(app, bound, drain_s=drain_s))
        _log.info("listening", address=settings.api_listen)
        _check(settings, control, stop)
        _serve(control, server, stop)
        _log.info("draining")


def _check(settings: Settings, control: Control, stop: threading.Event) -> None:
    """Everything that only Kafka can tell of the settings, as soon as it answers."""
    away = Outage(_log, "kafka not reached")
    while not stop.is_set():
        try:
            require(settings, needed_by(Role.API, Topics.of(settings)))
            canary.ensure(settings, control.keyring)
        except KafkaBroken as error:
            away.met(error=str(error))
            stop.wait(_AGAIN_S)
        else:
            away.over()
            return


def _serve(control: Control, server: Server, stop: threading.Event) -> None:
    """Wait for the end; meanwhile forget what nobody may ask for any more."""
    sweep_at_s = time.monotonic() + _SWEEP_EVERY_S
    while server.alive and not stop.wait(_TURN_S):
        if time.monotonic() >= sweep_at_s:
            control.once.sweep()
            sweep_at_s = time.monotonic() + _SWEEP_EVERY_S
