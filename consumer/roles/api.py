"""The role `api`: the REST API, the pages for customers, and the operator's console.

The law: it listens from its first second to its last and says by /readyz whether it can do what it is for; what it was
asked before a stop it answers.
"""

import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from typing import Final

import structlog

from consumer.api.application import application
from consumer.api.chosen_deliveries import look_ups
from consumer.api.front import requests
from consumer.api.job_asking import resends
from consumer.api.log_export import exports
from consumer.api.moments import now_ms
from consumer.api.seen import seen
from consumer.api.server import Server
from consumer.api.services import Services
from consumer.brands.loader import load_brands
from consumer.console.application import with_console
from consumer.console.sources import sources
from consumer.control import canary
from consumer.control.audit import AuditLog
from consumer.control.control import Control
from consumer.control.cursor import Cursors
from consumer.control.deeds import deeds_of
from consumer.control.endpoint import check_endpoint
from consumer.control.key_uses import KeyUses
from consumer.control.resolve import resolve
from consumer.data_keys.opening import Opening
from consumer.jobs.dead_letter_desk import DeadLetterDesk
from consumer.jobs.dead_letters import JobReplays
from consumer.jobs.directory import Jobs
from consumer.jobs.kept_since import kept_since
from consumer.jobs.topic_desk import following
from consumer.kafka.client import AccessDenied, KafkaBroken
from consumer.kafka.retention import Retention
from consumer.kafka.topics import Topics
from consumer.log.archive import Archive
from consumer.log.job_counts import AnsweredReader
from consumer.log.reading import LogReader
from consumer.log.stats_store import StatsReader
from consumer.log.store import HealthReader
from consumer.portal.application import with_pages
from consumer.portal.opened import OpenedLinks
from consumer.portal.statistics import Counted
from consumer.roles.listening import listener
from consumer.roles.requirements import required
from consumer.roles.role import Role
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.standings.backlog import BacklogReader
from consumer.telemetry.outage import Outage
from consumer.telemetry.pulse import RESTS_S, STOPPING, pulse

_log = structlog.get_logger("api")

_AGAIN_S: Final = 0.5
_SWEEP_EVERY_S: Final = 60.0
# What comes after the last answer, where Kafka is away.
_CLOSING_MS: Final = 3_000
_READING: Final = "the topics are not read to their ends yet"


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Serve until `stop` is set.

    Raises:
        ConfigurationError: a setting is wrong, or an encryption key is not the one its id names.
        TopicsUnfit: a topic is missing, or not as it must be.
    """
    del slot
    with ExitStack() as opened:
        control, jobs = Control(settings), Jobs()
        healths, backlogs, uses = HealthReader(settings), BacklogReader(settings), KeyUses(settings)
        opened.callback(healths.close)
        opened.callback(backlogs.close)
        opened.callback(uses.close)
        answered = AnsweredReader(settings)
        opened.callback(answered.close)
        opening = Opening(control.tenant_keys)
        log, archive, stats = LogReader(settings), Archive(settings, opening=opening), StatsReader(settings)
        opened.callback(log.close)
        opened.callback(stats.close)
        opened.callback(archive.close)
        desk = opened.enter_context(following(settings, jobs, answered, control.writer))
        services = Services(
            plane=control,
            healths=healths,
            stats=stats,
            backlogs=backlogs,
            uses=uses,
            once=control.once,
            audit=AuditLog(Topics.of(settings).audit, control.writer),
            deeds=deeds_of(settings),
            cursors=Cursors(control.keyring),
            check_url=lambda url, tenant: check_endpoint(
                url, settings, tenant=tenant, resolve=partial(resolve, tenant)
            ),
            dead_letters=DeadLetterDesk(settings, JobReplays(desk, most=settings.max_replays), opening),
            jobs=desk,
            log=log,
            archive=archive,
            exports=exports(),
            look_ups=look_ups(),
            kept_since=partial(kept_since, settings),
            attempts_kept_ms=Retention(settings, Topics.of(settings).attempts).ms,
            resends=resends(),
        )
        links = OpenedLinks(settings)
        opened.callback(links.close)
        if stop.is_set():
            return  # what is built now takes longer than all the above
        brands, room = load_brands(settings.brands_dir), requests()
        app = with_pages(
            application(services, brands, room=room),
            services,
            brands,
            opened=links,
            statistics=Counted(stats, now_ms),
            room=room,
        )
        app = with_console(app, control, brands, sources(settings, control, jobs, opened), services.audit)
        bound = listener(settings, stop)
        if bound is None:
            return
        opened.enter_context(control)
        pulse.ask("api", seen.tell)
        drain_s = max(1, (duration_ms(settings.drain_for) - _CLOSING_MS) // 1_000)
        server = opened.enter_context(Server(app, bound, drain_s=drain_s))
        host, port = bound.getsockname()[:2]  # the kernel's choice where the setting says port 0
        _log.info("listening", host=host, port=port)
        _serve(control, server, _checking(settings, control, stop), stop)
        pulse.lacks = (STOPPING,)
        _log.info("draining")


def _checking(settings: Settings, control: Control, stop: threading.Event) -> "Future[None]":
    """Everything that only Kafka can tell of the settings, as soon as it answers. A stop does not wait for it."""
    checked: Future[None] = Future()

    def check() -> None:
        away = Outage(_log, "kafka not reached")
        while not stop.is_set():
            try:
                required(settings, [Role.API])
                canary.ensure(settings, control.keyring)
            except AccessDenied as error:
                checked.set_exception(error)
                return
            except KafkaBroken as error:
                away.met(error=str(error))
                stop.wait(_AGAIN_S)
            except Exception as error:  # noqa: BLE001 # raised where it is waited for
                checked.set_exception(error)
                return
            else:
                away.over()
                return

    threading.Thread(target=check, name="check", daemon=True).start()
    return checked


def _serve(control: Control, server: Server, checked: "Future[None]", stop: threading.Event) -> None:
    """Wait for the end; meanwhile forget what nobody may ask for any more."""
    sweep_at_s = time.monotonic() + _SWEEP_EVERY_S
    while server.alive and not stop.wait(RESTS_S):
        pulse.lacks = () if control.ready else (_READING,)
        if server.turns:  # a loop that hangs answers nobody
            pulse.beat()
        if checked.done():
            checked.result()
        if time.monotonic() >= sweep_at_s:
            control.once.sweep()
            sweep_at_s = time.monotonic() + _SWEEP_EVERY_S
