"""The settings as this process finds them, and what is wrong with them.

The law: whatever is wrong is told by the name that its user wrote, and no value is repeated that may be secret.
"""

import tomllib
from collections.abc import Iterable

from pydantic import ValidationError

from consumer.settings import KAFKA, PREFIX, TOML, ConfigurationError, Settings, nearest


def strangers(names: Iterable[str]) -> dict[str, str | None]:
    """The variables that look like settings and are none, each with the setting it is most like, if any is."""
    known = [field.upper() for field in Settings.model_fields]
    found: dict[str, str | None] = {}
    for name in sorted(names):
        upper = name.upper()
        if upper.startswith(PREFIX) and not upper.startswith(KAFKA) and upper.removeprefix(PREFIX) not in known:
            closest = nearest(upper.removeprefix(PREFIX), known)
            found[name] = None if closest is None else PREFIX + closest
    return found


def load() -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: the first option that is wrong, by the name its user knows.
    """
    found = read()
    if isinstance(found, Settings):
        return found
    raise found[0]


def read() -> Settings | list[ConfigurationError]:
    """The settings; or every option that is wrong, by the name its user knows."""
    try:
        return Settings()
    except ConfigurationError as error:
        return [error]
    except ValidationError as error:
        wrong = {
            "_".join(str(part) for part in each["loc"][:1]): each
            for each in reversed(error.errors(include_input=False, include_url=False))
        }
        return [
            ConfigurationError(PREFIX + name.upper(), _wanted(name, each["type"], each["msg"]))
            for name, each in reversed(wrong.items())
        ]
    except tomllib.TOMLDecodeError as error:
        return [ConfigurationError(TOML, f"{error}: text stands in double quotes, a list in [ ]")]


def _wanted(name: str, kind: str, said: str) -> str:
    """What a setting has to be: `kind` and `said` are how pydantic refused it."""
    if kind.startswith("bool"):
        return "must be true or false"
    if kind == "path_not_directory":
        return "there is no such folder"
    if kind == "path_not_file":
        return "there is no such file"
    field = Settings.model_fields.get(name)
    bounds = [] if field is None else field.metadata
    least = [each.ge for each in bounds if hasattr(each, "ge")]
    most = [each.le for each in bounds if hasattr(each, "le")]
    if least and most and kind != "value_error":
        number = "number" if field is not None and field.annotation is float else "whole number"
        return f"must be a {number} from {least[0]} to {most[0]}"
    return said.removeprefix("Value error, ").replace("Input should be", "must be")
