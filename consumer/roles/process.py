"""One supervised process: `python -m consumer.roles.process ROLE SLOT [PIPE]`. Its standard input is its lifeline.

Into the descriptor PIPE it tells how it does, once a second (`telemetry/pulse.py`).

The laws:
- it can be asked to stop before it has begun, and it ends in one of four ways: 0 when it was asked to and has drained,
  78 with one line that names what is configured wrong, 69 with one that says what Kafka did not do, 70 with the
  traceback of a bug. What a library's thread still waits for then is not waited for;
- a record of a newer Hookline ends its work, and not the process: it has left its groups, so that newer processes go on
  where it stopped, and says that it is not ready until it is replaced.
"""

import os
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from consumer.roles import stop as stopping
from consumer.roles.left_out import left_out
from consumer.telemetry.printable import speak

if TYPE_CHECKING:
    from consumer.kafka.newer import NewerRecord


OLDER: Final = "a newer Hookline wrote what it should read: update it"
_BEAT_S: Final = 0.5


class _RoleModule(Protocol):
    """What every role's module offers."""

    def main(self, settings: object, stop: threading.Event, slot: int) -> None:
        """Work until `stop` is set, then drain and return. Raises: ConfigurationError; anything else is a bug."""


def run(role_name: str, wanted_slot: int, stop: threading.Event, pipe: int | None = None) -> int:
    """Do a role's work until `stop` is set; returns the exit code."""
    # Only now: what is imported here takes longer than a signal may wait to be heard.
    with left_out("rich", "opentelemetry"):
        import redis  # noqa: F401, PLC0415
        import structlog  # noqa: PLC0415

    from consumer.configuration import load  # noqa: PLC0415
    from consumer.kafka.client import KafkaBroken  # noqa: PLC0415
    from consumer.kafka.newer import NewerRecord  # noqa: PLC0415
    from consumer.kafka.topics import TopicsUnfit  # noqa: PLC0415
    from consumer.roles import slot as slots  # noqa: PLC0415
    from consumer.roles.role import Role  # noqa: PLC0415
    from consumer.settings import ConfigurationError  # noqa: PLC0415
    from consumer.telemetry import counters, logging  # noqa: PLC0415
    from consumer.telemetry.pulse import pulse  # noqa: PLC0415

    role = Role(role_name)
    ended = threading.Event()
    reporter = threading.Thread(target=counters.report, args=(ended,), name="counters", daemon=True)
    log = structlog.get_logger("process")
    try:
        settings = load()
        logging.configure(settings, role=role, slot=wanted_slot)
        slot = slots.take(settings, role, wanted_slot)
        logging.configure(settings, role=role, slot=slot.number)
        reporter.start()
        if pipe is not None:
            pulse.open(pipe, role)
        module = cast("_RoleModule", import_module(f"consumer.roles.{role}"))
        try:
            if not stop.is_set():  # the import takes a while
                module.main(settings, stop, slot.number)
        except NewerRecord as error:
            stand_by(error, stop)
    except (ConfigurationError, TopicsUnfit) as error:
        sys.stderr.write(f"hookline {role}: {error}\n")
        return os.EX_CONFIG
    except KafkaBroken as error:
        # What was under way is not committed: the process that is started next reads it again.
        log.warning("kafka broken", error=str(error), code=error.code)
        # Who was asked to end anyway does not fail for it.
        return os.EX_OK if stopping.asked_meanwhile(stop) else os.EX_UNAVAILABLE
    except Exception:
        log.exception("bug")
        return os.EX_SOFTWARE
    finally:
        ended.set()
        if reporter.is_alive():
            reporter.join()
    return os.EX_OK


def stand_by(error: "NewerRecord", stop: threading.Event) -> None:
    """Do nothing more until `stop` is set, and say why."""
    # Only now: see `run`.
    import structlog  # noqa: PLC0415

    from consumer.telemetry.outage import Outage  # noqa: PLC0415
    from consumer.telemetry.pulse import pulse  # noqa: PLC0415

    older = Outage(structlog.get_logger("process"), "older than what it reads")
    older.met(error=str(error))
    pulse.lacks = (OLDER,)
    pulse.beat()
    while not stop.wait(_BEAT_S):
        pulse.beat()


if __name__ == "__main__":
    speak()
    given = int(sys.argv[3]) if sys.argv[3:] else None
    code = run(sys.argv[1], int(sys.argv[2]), stopping.event_of_child(), given)
    sys.stdout.flush()
    sys.stderr.flush()
    # What has to be closed is. The interpreter's own end would destroy what was left behind, and wait for it.
    os._exit(code)
