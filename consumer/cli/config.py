"""`hookline config`: the settings as they count here, each with where it comes from; secrets masked."""

import os
from typing import Annotated

from cyclopts import Parameter

from consumer.cli.output import print_json, print_table
from consumer.json import Json
from consumer.origins import effective
from consumer.settings import load


def config(*, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Print every setting, its value here and where that comes from: environment, .env, hookline.toml or default.

    Exits with 78, naming the setting, when one is wrong.

    Parameters
    ----------
    json
        One object a line for each setting.
    """
    found = effective(load())
    if json:
        for each in found:
            print_json({"setting": each.setting, "value": each.value, "source": each.origin.value})
    else:
        rows = ((each.setting, _written(each.value), each.origin.value) for each in found)
        print_table(("SETTING", "VALUE", "FROM"), rows, empty="there are no settings")
    return os.EX_OK


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
