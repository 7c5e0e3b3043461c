"""`hookline topics`: what Hookline needs of Kafka's topics, compared and created.

The law: nothing that exists is changed. `check` exits with 78 when something would stop a role from starting; advice
does not count.
"""

import os
import sys
from typing import Annotated, Final

from cyclopts import App, Parameter
from rich.text import Text

from consumer.cli.acl_forms import as_commands, as_json, as_kafka_user
from consumer.cli.exits import say, tell, usage
from consumer.cli.output import print_json, print_table
from consumer.cli.reach import installation
from consumer.configuration import load
from consumer.kafka import topics
from consumer.kafka.selection import event_topics, wanted_topics
from consumer.roles.rights import creating, joined, rights
from consumer.roles.role import Role
from consumer.settings import ConfigurationError

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

    A setting that the broker refuses is left out where its own default may do. That is said on standard error, as is
    what is still unfit afterwards.

    Parameters
    ----------
    json
        One object a line for each topic created.
    """
    settings = installation(load())
    admin = topics.admin_client(settings)
    created = sorted(topics.create(admin, settings, eased=_eased))
    if json:
        for name in created:
            print_json({"topic": name})
    else:
        print_table(("TOPIC CREATED",), ((name,) for name in created), empty="every topic exists already")
    for problem in topics.check(admin, settings).problems:
        if problem.fatal or not problem.setting:
            say(f"still unfit: {problem}, {problem.needed}" if not problem.setting else f"still unfit: {problem}")
    return os.EX_OK


@app.command
def acls(
    *roles: Role,
    principal: str,
    create: AsJson = False,
    strimzi: AsJson = False,
    json: AsJson = False,
) -> int:
    """Print the least rights that roles need of Kafka, as commands of Kafka's own tool. Nothing is asked of Kafka.

    Parameters
    ----------
    roles
        Those that this user runs; all of them when none is named.
    principal
        Kafka's name of the user, as in User:hookline.
    create
        Also what `hookline topics create` and HOOKLINE_CREATE_TOPICS need.
    strimzi
        A KafkaUser of Strimzi's instead, in YAML.
    json
        One object a line for each right instead.
    """
    kind, _, name = principal.partition(":")
    if not kind or not name or any(each.isspace() or not each.isprintable() for each in principal):
        raise usage("--principal is a kind and a name, as in User:hookline", field="--principal")
    settings = load()
    event_topics(settings)  # a wrong expression gives no rights
    wanted = [right for role in roles or tuple(Role) for right in rights(settings, role)]
    found = joined([*wanted, *(creating(settings) if create else ())])
    if json:
        for right in found:
            print_json(as_json(right, principal))
        return os.EX_OK
    lines = as_kafka_user(found, name) if strimzi else as_commands(found, principal)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return os.EX_OK


def _eased(topic: str, how: str) -> None:
    say(f"Kafka refuses a setting of {topic}: it is created {how}")


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
