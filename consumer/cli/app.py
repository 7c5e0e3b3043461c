"""The command `hookline`.

The law: every way out is an exit code of sysexits.h, and a failure is one line on stderr, or with `--json` one object,
whatever failed: also what was asked in a way that makes no sense. A group of commands is imported when it is used, so
that `hookline --help` answers at once.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from cyclopts import App

from consumer.cli import exits
from consumer.cli.interrupt import Interrupts
from consumer.telemetry.printable import speak
from consumer.telemetry.release import build

_IN_ORDER: Final = ("run", "demo")
"""These bring their work to its end when they are interrupted, and end at once when they are again."""


app = App(
    name="hookline",
    help="Domain events on Kafka in, signed webhook deliveries out, nothing lost in between.",
    version=build,
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
app.command("consumer.cli.run:run", name="run", help="Run the roles under a supervisor until SIGTERM.")
app.command("consumer.cli.status:status", name="status", help="Show how the processes of this machine do.")
app.command("consumer.cli.publish:publish", name="publish", help="Publish events from a file or standard input.")
app.command("consumer.cli.topics:app", name="topics", help="Compare Kafka's topics with what is needed; create them.")
app.command("consumer.cli.config:config", name="config", help="Show the settings, and where each comes from.")
app.command("consumer.cli.webhooks:app", name="webhooks", help="Create, look at, change, pause and delete webhooks.")
app.command("consumer.cli.keys:app", name="keys", help="Create, list and revoke API keys; change encryption keys.")
app.command("consumer.cli.log:app", name="log", help="List, look at, follow, search and export what was sent.")
app.command("consumer.cli.sending_again:replay", name="replay", help="Send deliveries of a webhook again.")
app.command("consumer.cli.sending_again:recover", name="recover", help="Send a webhook the events that it missed.")
app.command("consumer.cli.sending_again:resend", name="resend", help="Send one delivery again.")
app.command("consumer.cli.jobs:app", name="jobs", help="List, follow, start, pause and cancel replays and recoveries.")
app.command("consumer.cli.portal:app", name="portal", help="Make links to the pages for a customer, and end them.")
app.command("consumer.cli.dead_letters:app", name="dead-letters", help="List, look at and replay failed deliveries.")
app.command("consumer.cli.poison:app", name="poison", help="List, look at and replay records that are no events.")
app.command("consumer.cli.export:export", name="export", help="Write webhooks and API keys to a file, secrets sealed.")
app.command("consumer.cli.importing:import_", name="import", help="Bring webhooks and API keys in from a file.")
app.command("consumer.cli.tenants:app", name="tenants", help="Erase what is kept of a customer.")
app.command("consumer.cli.audit:app", name="audit", help="List what was done, and by whom.")
app.command("consumer.cli.demo:demo", name="demo", help="Show it all on this machine: nothing needed but Python.")


def call(tokens: Sequence[str]) -> int:
    """Do what the command line says; returns the exit code. Errors are said on stderr."""
    as_json = exits.json_asked(tokens)
    try:
        command, bound, _ = app.parse_args(list(tokens), print_error=False, exit_on_error=False)
        if tokens and command not in (app.help_print, app.version_print):
            _begin(tokens[0], as_json=as_json)
        done = command(*bound.args, **bound.kwargs)
    except BrokenPipeError:
        # Whoever read our output has enough, as in `| head`. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return os.EX_OK
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the outermost frame: every error is an exit code
        return _failed(error, as_json=as_json)
    return done if isinstance(done, int) else os.EX_OK


def main() -> None:
    """The entry point."""
    speak()
    tokens = sys.argv[1:]
    if tokens[:1] == ["run"]:
        from consumer.roles import inbox  # noqa: PLC0415  # see the module's law

        inbox.of_signals()  # SIGTERM is heard from here on, while the rest is still being imported
    if tokens[:1] and tokens[0] in _IN_ORDER:
        sys.exit(call(tokens))
    interrupts = Interrupts(partial(exits.tell, KeyboardInterrupt(), as_json=exits.json_asked(tokens)))
    code = call(tokens)
    if interrupts.over():
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code)  # libraries wait for their connections' ends at exit
    sys.exit(code)


def _failed(error: BaseException, *, as_json: bool) -> int:
    if exits.code_of(error) != os.EX_SOFTWARE:
        return exits.tell(error, as_json=as_json)
    traceback.print_exception(error)
    exits.say("this is a bug in Hookline; the traceback above belongs in its report")
    return os.EX_SOFTWARE


def _begin(command: str, *, as_json: bool) -> None:
    """Before a command: its logs are for a person, and a misspelt setting is said."""
    from consumer.origins import misspelt  # noqa: PLC0415  # see the module's law
    from consumer.telemetry.logging import configure_for_a_command  # noqa: PLC0415  # see the module's law

    configure_for_a_command()
    if command == "run":
        return  # says it in its log
    for name, closest in misspelt().items():
        hint = "" if closest is None else f": did you mean {closest}?"
        exits.warn(name, f"there is no such setting{hint}", as_json=as_json)


if __name__ == "__main__":
    main()
