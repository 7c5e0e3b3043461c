"""`hookline config`: the settings as they count here, each with where it comes from; secrets masked.

The law: what a role would refuse at its start, for what the settings say alone, is refused here, after the table. What
is not set is not checked: not every command needs it.
"""

from typing import Annotated

from cyclopts import Parameter

from consumer.cli.exits import told
from consumer.cli.output import print_json, print_table
from consumer.configuration import read
from consumer.json import Json
from consumer.origins import effective
from consumer.roles.wrong_settings import wrong_settings
from consumer.settings import Settings


def config(*, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Print every setting, its value here and where that comes from: environment, .env, hookline.toml or default.

    Exits with 78, naming the setting, when one is wrong. Nothing is asked of a service.

    Parameters
    ----------
    json
        One object a line for each setting.
    """
    settings = read()
    if not isinstance(settings, Settings):
        return told(settings, as_json=json)
    found = effective(settings)
    if json:
        for each in found:
            print_json({"setting": each.setting, "value": each.value, "source": each.origin.value})
    else:
        rows = ((each.setting, _written(each.value), each.origin.value) for each in found)
        print_table(("SETTING", "VALUE", "FROM"), rows, empty="there are no settings")
    return told(wrong_settings(settings, ()), as_json=json)


def _written(value: Json) -> str:
    """As it is written in the environment."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return ",".join(map(_written, value))
        case _:
            return str(value)
