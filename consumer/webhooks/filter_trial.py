"""A filter, tried against a payload: whether it lets it through, and which parts of it do not.

The law: it is the matcher that says whether; what is told besides is where in the pattern a condition is that the
payload does not meet, by the path that a mistake in the pattern would be told by. Both take no more steps than a match
may. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec

from consumer.json import Json
from consumer.webhooks.filter import MOST_STEPS, compile_filter
from consumer.webhooks.pattern import Effort, Every, Leaf, Nested, Some, TooCostly, objects_in

MOST_TOLD: Final = 20
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A condition that is not met. `found` is what the payload has there, as JSON, not all of it; None: nothing."""

    path: str
    found: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterTrial:
    """`given_up`: it takes too many steps, so the event would be sent. `unmet` are the first 20."""

    matches: bool
    given_up: bool
    unmet: tuple[Unmet, ...]


def try_filter(filter_json: str, data: Json) -> FilterTrial:
    """Try it.

    Raises:
        FilterInvalid: it is none.
    """
    compiled = compile_filter(filter_json)
    effort = Effort(MOST_STEPS)
    matches = compiled.matches(data, effort)
    told = () if matches else _within_steps(_unmet(compiled.pattern, _object(data), "$", Effort(MOST_STEPS)))
    return FilterTrial(matches=matches, given_up=effort.is_spent, unmet=tuple(islice(told, MOST_TOLD)))


def shown(trial: FilterTrial) -> dict[str, Json]:
    """It as the API answers it."""
    unmet: list[Json] = [{"path": each.path, "found": each.found} for each in trial.unmet]
    return {"matches": trial.matches, "unmet": unmet, "givenUp": trial.given_up}


def _within_steps(found: Iterator[Unmet]) -> Iterator[Unmet]:
    try:
        yield from found
    except TooCostly:
        return


def _unmet(pattern: Every, data: Mapping[str, Json], path: str, effort: Effort) -> Iterator[Unmet]:
    for condition in pattern.conditions:
        if condition.matches(data, effort):
            continue
        match condition:
            case Leaf(name=name):
                yield Unmet(path=f"{path}.{name}", found=_shown(data[name]) if name in data else None)
            case Some():
                yield Unmet(path=f"{path}.$or", found=None)
            case Nested(name=name, pattern=inner):
                several = [*islice(objects_in(data.get(name), effort), 2)]
                if len(several) > 1:  # no one of them meets all of it
                    yield Unmet(path=f"{path}.{name}", found=_shown(data[name]))
                else:
                    yield from _unmet(inner, several[0] if several else {}, f"{path}.{name}", effort)


def _object(data: Json) -> Mapping[str, Json]:
    return data if isinstance(data, dict) else {}


def _shown(value: Json) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
