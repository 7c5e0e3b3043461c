"""The roles: what one process does."""

from enum import StrEnum


class Role(StrEnum):
    """In the order in which they are started: the cache fills first."""

    PROJECTION = "projection"
    DELIVER = "deliver"
    RETRY = "retry"
