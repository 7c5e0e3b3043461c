"""The command `hookline`.

The law: every way out is an exit code of sysexits.h, and a failure is one line on stderr. A group of commands is
imported when it is used, so that `hookline --help` answers at once.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from cyclopts import App, CycloptsError

from consumer.cli import exits
from consumer.roles import inbox


def _version() -> str:
    try:
        return version("hookline")
    except PackageNotFoundError:
        return "unknown: run from a checkout that is not installed"


app = App(
    name="hookline",
    help="Domain events on Kafka in, signed webhook deliveries out, nothing lost in between.",
    version=_version,
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
app.command("consumer.cli.run:run", name="run", help="Run the roles under a supervisor until SIGTERM.")
app.command("consumer.cli.publish:publish", name="publish", help="Publish events from a file or standard input.")
app.command("consumer.cli.topics:app", name="topics", help="Compare Kafka's topics with what is needed; create them.")
app.command("consumer.cli.webhooks:app", name="webhooks", help="Create, look at, change, pause and delete webhooks.")
app.command("consumer.cli.keys:app", name="keys", help="Create, list and revoke API keys; change encryption keys.")
app.command("consumer.cli.dead_letters:app", name="dead-letters", help="List, look at and replay failed deliveries.")
app.command("consumer.cli.demo:demo", name="demo", help="Show it all on this machine: nothing needed but Python.")


def call(tokens: Sequence[str]) -> int:
    """Do what the command line says; returns the exit code. Errors are said on stderr."""
    try:
        command, bound, _ = app.parse_args(list(tokens), print_error=False, exit_on_error=False)
        if tokens and command not in (app.help_print, app.version_print):
            _quiet_logs()
        done = command(*bound.args, **bound.kwargs)
    except CycloptsError as error:
        exits.say(f"{error} (see hookline --help)")
        return os.EX_USAGE
    except KeyboardInterrupt:
        exits.say("interrupted")
        return exits.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough, as in `| head`. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return os.EX_OK
    except Exception as error:  # noqa: BLE001  # the outermost frame: every error becomes an exit code
        return _failed(error)
    return done if isinstance(done, int) else os.EX_OK


def main() -> None:
    """The entry point."""
    tokens = sys.argv[1:]
    if tokens[:1] == ["run"]:
        inbox.of_signals()  # SIGTERM is heard from here on, while the rest is still being imported
    sys.exit(call(tokens))


def _failed(error: Exception) -> int:
    code = exits.code_of(error)
    if code == os.EX_SOFTWARE:
        traceback.print_exception(error)
        exits.say("this is a bug in Hookline; the traceback above belongs in its report")
    else:
        exits.say(str(error))
    return code


def _quiet_logs() -> None:
    from consumer.telemetry.logging import configure_for_a_command  # noqa: PLC0415  # see the module's law

    configure_for_a_command()


if __name__ == "__main__":
    main()
