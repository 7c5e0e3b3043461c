"""From the address of the log's page to what is asked of the log, and back into its form.

The law: all state of the page is in its address, under the API's names; what cannot be is told at its field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from consumer.api.log_models import AttemptsSought, DeliveriesSought, Sought
from consumer.api.log_query import query_of
from consumer.control.cursor import list_name
from consumer.log.query import Query, View
from consumer.portal.faults import by_field
from consumer.portal.visit import Fields
from consumer.webhooks.wrong import FieldInvalid

_OUTCOMES: Final[Mapping[str, str]] = {"delivered": "delivered", "retrying": "retry", "failed": "dead"}
_SINGLE: Final = ("code", "reason", "type", "webhook", "event", "trigger", "job")
_TEXTS: Final = ("since", "until", "contains")
_ATTEMPTS: Final = "attempts"
STATUSES: Final = tuple(_OUTCOMES)
CODES: Final = ("2xx", "3xx", "4xx", "5xx", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the address says. `values` are those given, by name, the statuses apart."""

    view: View
    statuses: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]

    @property
    def given(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.statuses or self.values)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The same as an address, without a place in the list."""
        found = [("view", _ATTEMPTS)] if self.view is View.ATTEMPTS else []
        found += [("status", each) for each in self.statuses]
        return found + [(name, value) for name, values in self.values.items() for value in values]

    @property
    def name(self) -> str:
        """The list that a cursor belongs to."""
        return list_name("portal log", self.pairs)

    def value(self, name: str) -> str:
        """The first value of a filter."""
        return next(iter(self.values.get(name, ())), "")

    def query(self, now_ms: int) -> tuple[Query, str | None]:
        """What is asked for, and the text that bodies must hold.

        Raises:
            FieldInvalid: of all that cannot be.
            ValidationError: of a value that no form of ours gives.
        """
        told: dict[str, object] = {name: list(self.values[name]) for name in _SINGLE if name in self.values}
        told |= {name: self.value(name) for name in _TEXTS if name in self.values}
        sought: Sought
        if self.view is View.ATTEMPTS:
            sought = AttemptsSought.model_validate(
                told | {"outcome": [_OUTCOMES.get(each, each) for each in self.statuses]}
            )
        else:
            sought = DeliveriesSought.model_validate(told | {"status": list(self.statuses)})
        return query_of(sought, now_ms), sought.contains


def filters_of(query: Fields) -> Filters:
    """What an address says; what has no value says nothing."""
    view = View.ATTEMPTS if query.get("view") == _ATTEMPTS else View.DELIVERIES
    values = {name: tuple(query.all(name)) for name in _SINGLE} | {name: tuple(query.all(name)[:1]) for name in _TEXTS}
    given = {name: value for name, value in values.items() if value}
    return Filters(view=view, statuses=tuple(dict.fromkeys(query.all("status"))), values=given)


def wrong_of(error: FieldInvalid | ValidationError) -> dict[str, str]:
    """What is wrong, by the field's name."""
    if isinstance(error, FieldInvalid):
        return by_field(error.wrong)
    return {str(each["loc"][0]): each["msg"] for each in error.errors(include_url=False, include_input=False)}
