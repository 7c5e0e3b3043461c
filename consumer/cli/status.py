"""`hookline status`: how the processes of this machine do, from the admin port of their supervisor."""

import sys
import time
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from consumer.cli.exits import unavailable, usage
from consumer.cli.status_view import screen
from consumer.configuration import load
from consumer.roles.status import Status
from consumer.telemetry.admin_client import AdminSilent, asked, place_of

_EVERY_S: Final = 2.0
_CLEAR: Final = "\x1b[H\x1b[J"


def status(
    *,
    at: str | None = None,
    watch: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show how Hookline does on this machine: what runs, what waits, what fails, and why it is not ready.

    It asks the supervisor of `hookline run`, at HOOKLINE_ADMIN_LISTEN.

    Parameters
    ----------
    at
        Ask there instead, as in 10.0.0.7:9464.
    watch
        Again every two seconds, until Ctrl-C.
    json
        As JSON, what GET /status answers; with --watch one line each time.
    """
    place = place_of(at or load().admin_listen)
    if place is None:
        raise usage("say where: HOOKLINE_ADMIN_LISTEN names no port", field="--at")
    while True:
        try:
            body = asked(place, "/status")
            told = msgspec.json.decode(body, type=Status)
        except (AdminSilent, msgspec.MsgspecError) as error:
            raise unavailable(
                f"no supervisor answers at {place[0]}:{place[1]} ({error}): is `hookline run` running?",
                field="--at" if at else "HOOKLINE_ADMIN_LISTEN",
            ) from None
        if json:
            sys.stdout.write(body.decode().rstrip() + "\n")
        else:
            clear = _CLEAR if watch and sys.stdout.isatty() else ""
            sys.stdout.write(clear + "\n".join(screen(told)) + "\n")
        sys.stdout.flush()
        if not watch:
            return
        time.sleep(_EVERY_S)
