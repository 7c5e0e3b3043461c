"""`hookline run`: the roles, supervised."""

import os
from collections.abc import Sequence
from platform import python_version
from typing import Annotated

import structlog
from confluent_kafka import libversion
from cyclopts import Parameter

from consumer.cli.exits import say, told, usage
from consumer.configuration import read
from consumer.origins import misspelt
from consumer.roles import inbox, stop
from consumer.roles.admin import Admin
from consumer.roles.first_look import first_look
from consumer.roles.overview import Overview
from consumer.roles.role import Role
from consumer.roles.supervision import Member, stop_within_s
from consumer.roles.supervisor import members_of, supervise
from consumer.roles.wrong_settings import wrong_settings
from consumer.setting_values import duration_ms
from consumer.settings import MOST_PROCESSES, Settings
from consumer.telemetry import logging
from consumer.telemetry.release import release

_log = structlog.get_logger("run")


def run(
    *roles: Role,
    processes: int | None = None,
    until_input_ends: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run roles until SIGTERM or Ctrl-C, then drain and exit 0; a crashed process is started again.

    Exits with 78 when the configuration is wrong: each wrong setting is named before any process starts.

    Parameters
    ----------
    roles
        projection, deliver, retry, log, jobs, api; all of them when none is named.
    processes
        How many deliver processes; by default HOOKLINE_PROCESSES, else one for each core that the container
        or the machine grants. Other roles have one each.
    until_input_ends
        Also stop when standard input ends, that is with the process that started this one.
    """
    if processes is not None and not 1 <= processes <= MOST_PROCESSES:
        raise usage(f"--processes is a number from 1 to {MOST_PROCESSES}", field="--processes")
    heard = inbox.of_signals()
    settings = read()
    if not isinstance(settings, Settings):
        return told(settings, as_json=False)
    logging.configure(settings, role="supervisor")
    for name, meant in misspelt().items():
        _log.warning("not a setting", name=name, closest=meant)
    # Refused here, it is said once and not by every process, and before any of them runs.
    if wrong := wrong_settings(settings, roles or tuple(Role)):
        return told(wrong, as_json=False)
    if until_input_ends:
        stop.on_end_of_input(lambda: heard.put(inbox.StopAsked()))
    members = members_of(roles, settings.processes if processes is None else processes)
    admin = _admin(settings, members)
    if unfit := first_look(settings, roles or tuple(Role)):
        for line in str(unfit).splitlines():
            say(line)
        return os.EX_CONFIG
    within_s = stop_within_s(duration_ms(settings.drain_for) / 1_000)
    code = supervise(members, heard, stop_within_s=within_s, admin=admin)
    stop.no_longer()
    return code


def _admin(settings: Settings, members: Sequence[Member]) -> Admin:
    admin = Admin(settings.admin_listen, Overview(members, _build()))
    admin.start()
    return admin


def _build() -> dict[str, str]:
    return {"version": release(), "python": python_version(), "librdkafka": libversion()[0]}
