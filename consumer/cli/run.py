"""`hookline run`: the roles, supervised."""

from typing import Annotated

import structlog
from cyclopts import Parameter

from consumer.brands.loader import load_brands
from consumer.cli.exits import usage
from consumer.kafka.client import client_properties
from consumer.origins import misspelt
from consumer.roles import inbox, stop
from consumer.roles.role import Role
from consumer.roles.supervisor import members_of, supervise
from consumer.settings import MOST_PROCESSES, load
from consumer.telemetry import logging

_log = structlog.get_logger("run")


def run(
    *roles: Role,
    processes: int | None = None,
    until_input_ends: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run roles until SIGTERM or Ctrl-C, then drain and exit 0; a crashed process is started again.

    Exits with 78, naming the setting, when the configuration is wrong.

    Parameters
    ----------
    roles
        projection, deliver, retry, log, api; all of them when none is named.
    processes
        How many deliver processes; by default HOOKLINE_PROCESSES, else one for each core that the container
        or the machine grants. Other roles have one each.
    until_input_ends
        Also stop when standard input ends, that is with the process that started this one.
    """
    if processes is not None and not 1 <= processes <= MOST_PROCESSES:
        raise usage(f"--processes is a number from 1 to {MOST_PROCESSES}", field="--processes")
    heard = inbox.of_signals()
    settings = load()
    # Refused here, it is said once and not by every process.
    client_properties(settings)
    load_brands(settings.brands_dir)
    logging.configure(settings, role="supervisor")
    for name, meant in misspelt().items():
        _log.warning("not a setting", name=name, closest=meant)
    if until_input_ends:
        stop.on_end_of_input(lambda: heard.put(inbox.StopAsked()))
    return supervise(members_of(roles, settings.processes if processes is None else processes), heard)
