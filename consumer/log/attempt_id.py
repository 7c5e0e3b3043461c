"""The id of an attempt: where its record lies, and whose it is. Pure.

    att_3_18273645_5f0c6d0e     partition, offset, the first four bytes of the delivery's id

The law: an id names one record. By four bytes of its delivery a topic made anew is told from the old one.
"""

import re
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(r"att_(0|[1-9][0-9]{0,5})_(0|[1-9][0-9]{0,17})_([0-9a-f]{8})", re.ASCII)
_DIGITS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an attempt's record lies. `delivery` is how its delivery's id begins: 8 hex digits."""

    partition: int
    offset: int
    delivery: str


def attempt_id(*, partition: int, offset: int, delivery_id: str) -> str:
    """The id of the attempt there, of this delivery."""
    return f"att_{partition}_{offset}_{delivery_id[:_DIGITS]}"


def place_of(text: str) -> Place | None:
    """The place that a text names; None: it is no attempt's id."""
    found = _FORM.fullmatch(text)
    return found and Place(partition=int(found[1]), offset=int(found[2]), delivery=found[3])
