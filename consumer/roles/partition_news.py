"""What the role `log` tells the thread that writes the index: which partitions it has, and what it read of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from consumer.log.tending import Live


@dataclass(frozen=True, slots=True)
class Began:
    """It is read from here on."""

    partition: int


@dataclass(frozen=True, slots=True)
class Left:
    """It went to another process."""

    partition: int


@dataclass(frozen=True, slots=True)
class Rewound:
    """Its topic was made anew: its offsets count from the beginning again."""

    partition: int


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, by partition."""

    lives: Mapping[int, Live]


News: TypeAlias = Began | Left | Rewound | Read
