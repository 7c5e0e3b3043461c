"""`hookline config`: the settings as they count here, each with where it comes from; secrets masked.

The law: what a role would refuse at its start, for what the settings say alone, is refused here, after the table. What
is not set is not judged: not every command needs it.
"""

import os
from typing import Annotated

from confluent_kafka.admin import AdminClient
from cyclopts import Parameter

from consumer.brands.loader import load_brands
from consumer.cli.output import print_json, print_table
from consumer.json import Json
from consumer.kafka.client import build, client_properties
from consumer.kafka.selection import event_topics
from consumer.origins import effective
from consumer.roles.listening import address_of
from consumer.settings import Settings, load
from consumer.webhooks.cache import connect
from consumer.webhooks.keyring import Keyring


def config(*, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Print every setting, its value here and where that comes from: environment, .env, hookline.toml or default.

    Exits with 78, naming the setting, when one is wrong. Nothing is asked of a service.

    Parameters
    ----------
    json
        One object a line for each setting.
    """
    settings = load()
    found = effective(settings)
    if json:
        for each in found:
            print_json({"setting": each.setting, "value": each.value, "source": each.origin.value})
    else:
        rows = ((each.setting, _written(each.value), each.origin.value) for each in found)
        print_table(("SETTING", "VALUE", "FROM"), rows, empty="there are no settings")
    _judge(settings)
    return os.EX_OK


def _judge(settings: Settings) -> None:
    load_brands(settings.brands_dir)
    event_topics(settings)
    connect(settings)
    address_of(settings.api_listen)
    if settings.encryption_keys:
        Keyring.from_settings(settings)
    if settings.kafka:
        build(AdminClient, {**client_properties(settings), "log_level": 0})


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
