"""`hookline topics`: what Hookline needs of Kafka's topics, compared and created.

The law: nothing that exists is changed. `check` exits with 78 when something would stop a role from starting; advice
does not count.
"""

import os
from typing import Annotated, Final

from cyclopts import App, Parameter
from rich.text import Text

from consumer.cli.exits import say, tell
from consumer.cli.output import print_json, print_table
from consumer.cli.reach import installation
from consumer.kafka import topics
from consumer.kafka.selection import wanted_topics
from consumer.settings import ConfigurationError, load

app = App(name="topics", help="Compare Hookline's topics with what it needs, and create those that are missing.")

_NONE_THERE: Final = (
    "no topic is there that HOOKLINE_EVENT_TOPICS chooses (Hookline's own never count): nothing is read yet"
)

AsJson = Annotated[bool, Parameter(negative=())]


@app.command
def check(*, json: AsJson = False) -> int:
    """Print which event topics are read now, and what is not as needed: the topic, the setting, the found, the needed.

    Exits with 0 when every role can start, else with 78: also where HOOKLINE_EVENT_TOPICS names no event topic.

    Parameters
    ----------
    json
        One object a line for each event topic and for each problem.
    """
    settings = installation(load())
    checked = topics.check(topics.admin_client(settings), settings)
    _print(checked, as_json=json)
    try:
        wanted_topics(settings)
    except ConfigurationError as error:
        return tell(error, as_json=json)
    return os.EX_CONFIG if any(problem.fatal for problem in checked.problems) else os.EX_OK


@app.command
def create(*, json: AsJson = False) -> int:
    """Create what is missing of Hookline's own topics, and print the names. Event topics are yours to create.

    What is still unfit afterwards is said on standard error.

    Parameters
    ----------
    json
        One object a line for each topic created.
    """
    settings = installation(load())
    admin = topics.admin_client(settings)
    created = sorted(topics.create(admin, settings))
    if json:
        for name in created:
            print_json({"topic": name})
    else:
        print_table(("TOPIC CREATED",), ((name,) for name in created), empty="every topic exists already")
    for problem in topics.check(admin, settings).problems:
        if problem.fatal or not problem.setting:
            say(f"still unfit: {problem}, {problem.needed}" if not problem.setting else f"still unfit: {problem}")
    return os.EX_OK


def _print(checked: topics.Checked, *, as_json: bool) -> None:
    if as_json:
        for name in checked.event_topics:
            print_json({"eventTopic": name})
        for problem in checked.problems:
            print_json(
                {
                    "topic": problem.topic,
                    "setting": problem.setting or None,
                    "found": problem.found or None,
                    "needed": problem.needed,
                    "fatal": problem.fatal,
                }
            )
        return
    rows = (
        (
            problem.topic,
            problem.setting or "the topic itself",
            problem.found or "missing",
            problem.needed,
            Text("unfit", style="red") if problem.fatal else Text("advice", style="yellow"),
        )
        for problem in checked.problems
    )
    print_table(("EVENT TOPIC",), ((name,) for name in checked.event_topics), empty=_NONE_THERE)
    print_table(("TOPIC", "SETTING", "FOUND", "NEEDED", ""), rows, empty="every topic is as needed")
