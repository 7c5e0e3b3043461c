"""Where each setting's value comes from, and the names that look like settings and are none.

The law: what is shown of a secret is at most where it belongs: an id, a host. Of Kafka's properties only those are
shown that are known to hold no secret.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr

from consumer.configuration import strangers
from consumer.json import Json
from consumer.settings import KAFKA, PREFIX, TOML, Settings, flat
from consumer.telemetry.redaction import HIDDEN

_HARMLESS: Final = frozenset(
    {
        "bootstrap.servers",
        "broker.address.family",
        "client.id",
        "client.rack",
        "compression.codec",
        "compression.type",
        "debug",
        "metadata.broker.list",
        "partitioner",
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.oauthbearer.method",
        "security.protocol",
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.endpoint.identification.algorithm",
        "ssl.key.location",
        "ssl.keystore.location",
    }
)
# A number, or where a secret lies.
_MEASURE: Final = re.compile(r"\.(ms|bytes|kbytes|messages|intvl|file)$")


class Origin(StrEnum):
    """Where a value was found first. The words are for people."""

    ENVIRONMENT = "environment"
    DOTENV = ".env"
    FILE = "hookline.toml"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """A setting as it counts, by the name that its user knows; of a secret only what may be seen."""

    setting: str
    value: Json
    origin: Origin


def misspelt() -> dict[str, str | None]:
    """The `strangers` of the environment and of `.env`."""
    return strangers({*os.environ, *dotenv_values(".env")})


def effective(settings: Settings) -> list[Effective]:
    """Every setting, in the order in which they are declared; of Kafka's properties those that were set."""
    found = {
        Origin.ENVIRONMENT: {name.upper() for name in os.environ},
        Origin.DOTENV: {name.upper() for name, value in dotenv_values(".env").items() if value is not None},
        Origin.FILE: _in_file(),
    }

    def origin(name: str) -> Origin:
        return next((each for each, names in found.items() if name in names), Origin.DEFAULT)

    shown = {
        PREFIX + name.upper(): _shown(getattr(settings, name)) for name in Settings.model_fields if name != "kafka"
    }
    shown[_variable("token.from")] = _source(settings.kafka_token_from)
    for name, value in sorted(settings.kafka.items()):
        harmless = name in _HARMLESS or _MEASURE.search(name) is not None
        shown[_variable(name)] = value if harmless else HIDDEN
    return [Effective(setting=name, value=value, origin=origin(name)) for name, value in shown.items()]


def _in_file() -> set[str]:
    """The settings of hookline.toml, under the names that they have in the environment."""
    path = Path(TOML)
    if not path.exists():
        return set()
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    table = told.pop("kafka", {})
    properties = flat(table) if isinstance(table, Mapping) else {}
    return {PREFIX + name.upper() for name in told} | set(map(_variable, properties))


def _variable(name: str) -> str:
    return KAFKA + name.upper().replace(".", "_")


def _shown(value: object) -> Json:
    match value:
        case SecretStr():
            return _masked(value.get_secret_value())
        case None | bool() | int() | float():
            return value
        case tuple():
            return [_shown(each) for each in value]
        case _:
            return _without_password(str(value))


def _source(told: str | None) -> Json:
    """Of a command its program: an argument may be a secret."""
    program, space, _ = (told or "").partition(" ")
    hidden = bool(space) and program.startswith("command:")
    return f"{program} {HIDDEN}" if hidden else told


def _masked(secret: str) -> str:
    """What may be seen of a secret: of a URL where it leads, of a key `id:…` its id."""
    if "://" in secret:
        return _without_password(secret)
    key_id, colon, _ = secret.partition(":")
    return f"{key_id}:{HIDDEN}" if colon else HIDDEN


def _without_password(text: str) -> str:
    """A URL without what may be secret in it: whoever it names before the host, its query. Other text as it is."""
    if "://" not in text:
        return text
    try:
        url = urlsplit(text)
    except ValueError:
        return HIDDEN
    told, at, host = url.netloc.rpartition("@")
    netloc = f"{HIDDEN}@{host}" if at and told else host
    return url._replace(netloc=netloc, query=HIDDEN if url.query else "", fragment="").geturl()
