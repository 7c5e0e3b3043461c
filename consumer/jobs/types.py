"""Event types as people choose them. Pure."""

from collections.abc import Sequence
from typing import Final

from consumer.text import EVERY

_BELOW: Final = ".*"


def is_one_of(event_type: str, wanted: Sequence[str]) -> bool:
    """Whether it is one of these types, or of `prefix.*` at any depth; without any, every type is."""
    return not wanted or any(_is(event_type, each) for each in wanted)


def _is(event_type: str, wanted: str) -> bool:
    if wanted.endswith(_BELOW):
        return event_type.startswith(wanted.removesuffix(EVERY))
    return wanted in {event_type, EVERY}
