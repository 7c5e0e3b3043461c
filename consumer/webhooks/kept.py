"""What the projection believes of one bucket of the cache: how far it was written, and whether it may be read.

The law: a bucket is broken until the cache is known to hold it, and covered only by the offsets that are true.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(slots=True, kw_only=True)
class Kept:
    """What the cache should hold: `at` are the offsets that are true, `written` those the cache names.

    `unsure` is what the last beat wrote over `written`, if it never got an answer; else the same. `ends` are the
    offsets from which on the bucket may be read. `emptied`: it was begun anew, at the topic's beginning.
    """

    epoch: str
    at: tuple[int, ...]
    written: str
    unsure: str
    ends: tuple[int, ...]
    beat: int = 0
    open: bool = False
    broken: bool = False
    emptied: bool = False

    @property
    def filling(self) -> bool:
        """Whether it knows nothing yet of most webhooks."""
        return self.emptied and not self.open

    @property
    def caught_up(self) -> bool:
        """Whether it holds all that the topic held when it was taken over."""
        return _covers(self.at, self.ends)


def claimed(epoch: str, at: bytes | None, ends: tuple[int, ...]) -> Kept:
    """A bucket just taken over: carried on from its offsets where they fit the topic, else broken."""
    offsets = () if at is None else tuple(map(int, at.decode().split(",")))
    if len(offsets) != len(ends) or not _covers(ends, offsets):
        return emptied(epoch, ends)
    return Kept(epoch=epoch, at=offsets, written=written(offsets), unsure=written(offsets), ends=ends)


def emptied(epoch: str, ends: tuple[int, ...]) -> Kept:
    """A bucket to be filled from the topic's beginning; broken until the cache holds it so."""
    beginning = (0,) * len(ends)
    return Kept(
        epoch=epoch,
        at=beginning,
        written=written(beginning),
        unsure=written(beginning),
        ends=ends,
        broken=True,
        emptied=True,
    )


@lru_cache(maxsize=16)
def written(at: tuple[int, ...]) -> str:
    """Offsets as the cache names them."""
    return ",".join(map(str, at))


def reached(at: tuple[int, ...], positions: Mapping[int, int]) -> tuple[int, ...]:
    """The offsets after a batch that ended at these positions, by partition."""
    return tuple(max(offset, positions.get(partition, 0)) for partition, offset in enumerate(at))


def _covers(at: Sequence[int], ends: Sequence[int]) -> bool:
    return all(offset >= end for offset, end in zip(at, ends, strict=True))
