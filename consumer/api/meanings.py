"""What is wrong with a body besides its shape.

The law: whoever sends a body with a member of another type hears in the same answer what is wrong with the others. The
checks made for that are pure: nothing is looked up, and nothing is done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from consumer.api import shapes
from consumer.api.call import Call
from consumer.webhooks.wrong import Wrong

WrongWith: TypeAlias = Callable[[BaseModel, Call, Mapping[str, str]], Sequence[Wrong]]
"""What is wrong with a body of this call; the path's parameters are by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """How the bodies of a route are checked."""

    model: type[BaseModel]
    wrong_with: WrongWith

    def of_the_rest(self, error: RequestValidationError, call: Call, parameters: Mapping[str, str]) -> Sequence[Wrong]:
        """What is wrong with what the models did not refuse, by the names of the model."""
        rest = shapes.rest_of(error, self.model)
        return () if rest is None else self.wrong_with(rest, call, parameters)
