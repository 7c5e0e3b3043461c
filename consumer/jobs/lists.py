"""In which lists a job stands: its owner's, of its tenant's unfinished or ended ones, of those with an unheard wish.

The law: a list holds exactly the jobs that belong there by what is kept of them, and a look at one tenant's costs that
tenant's jobs only.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from consumer.control.order import Order, Position
from consumer.control.owner import Owner

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a job: the values of its two records, and of each what the lists go by.

    `position`: where it stands among its owner's, the newest first. `hidden`: what became of it was deleted, or cannot
    be read.
    """

    owner: Owner | None = None
    position: Position = (0, "")
    asked: bytes | None = None
    number: int = 0
    job: bytes | None = None
    heard: int = 0
    ended: bool = False
    refused: bool = False
    hidden: bool = False

    @property
    def whole(self) -> bool:
        """Whether both are known."""
        return self.asked is not None and self.job is not None and not self.hidden

    @property
    def listed_of(self) -> Owner | None:
        """In whose list it stands. A refused one is no job to its owner."""
        return self.owner if self.whole and not self.refused else None

    @property
    def unfinished_of(self) -> str | None:
        """Which tenant's it is, of one that has not ended."""
        return self.owner.tenant if self.owner is not None and self.whole and not self.ended else None

    @property
    def ended_of(self) -> str | None:
        """Which tenant's it is, of one that has ended, also of one that was refused."""
        return self.owner.tenant if self.owner is not None and self.whole and self.ended else None

    @property
    def unheard(self) -> bool:
        """Whether its latest wish waits for the process that runs jobs."""
        return self.asked is not None and not self.hidden and (self.job is None or self.heard < self.number)


NOTHING: Final = Kept()


class Lists:
    """Owned by one thread at a time. A tenant with more than `ended_most` jobs that have ended has too many of them."""

    def __init__(self, *, ended_most: int) -> None:
        self._ended_most = ended_most
        # By tenant, those that ended first in front. A plain dict would be slow to leave at its front.
        self._ended: dict[str, dict[str, None]] = {}
        self._crowded: dict[str, None] = {}  # tenants with too many of them
        self._listed: dict[str, dict[str, Order]] = {}  # by tenant and brand
        self._unfinished: dict[str, dict[str, None]] = {}  # by tenant
        self._unheard: dict[str, None] = {}

    def clear(self) -> None:
        """There are no jobs."""
        for each in (self._listed, self._unfinished, self._unheard, self._ended, self._crowded):
            each.clear()

    def move(self, job_id: str, was: Kept, now: Kept) -> None:
        """Something became known of a job."""
        # One that runs stays where it is.
        if (was.listed_of, was.position) != (now.listed_of, now.position):
            self._unlist(was)
            self._list(now)
        if was.unfinished_of != now.unfinished_of:
            if was.unfinished_of is not None:
                _leave(self._unfinished, was.unfinished_of, job_id)
            if now.unfinished_of is not None:
                self._unfinished.setdefault(now.unfinished_of, {})[job_id] = None
        if was.ended_of != now.ended_of:
            if was.ended_of is not None:
                _leave(self._ended, was.ended_of, job_id)
            if now.ended_of is not None:
                self._ended.setdefault(now.ended_of, OrderedDict())[job_id] = None
            self._count(was.ended_of)
            self._count(now.ended_of)
        if now.unheard:
            self._unheard[job_id] = None
        else:
            self._unheard.pop(job_id, None)

    def after(self, owner: Owner, position: Position | None, limit: int) -> tuple[list[Position], bool]:
        """The next `limit` of an owner's behind this one, the newest first, and whether more follow them."""
        order = self._listed.get(owner.tenant, {}).get(owner.brand)
        return ([], False) if order is None else order.after(position, limit)

    def unfinished(self, tenant: str | None) -> list[str]:
        """The ids of a tenant's that have not ended; None: of everybody's."""
        groups: Iterable[dict[str, None]] = (
            self._unfinished.values() if tenant is None else [self._unfinished.get(tenant, {})]
        )
        return [job_id for ids in groups for job_id in ids]

    def outnumbered(self, most: int) -> list[str]:
        """The ids of those that ended first, of tenants that have too many; so many at most."""
        beyond = (islice(ids, len(ids) - self._ended_most) for ids in map(self._ended.__getitem__, self._crowded))
        return [*islice((job_id for ids in beyond for job_id in ids), most)]

    def unheard(self) -> list[str]:
        """The ids of those with a wish that was not heard."""
        return [*self._unheard]

    def _count(self, tenant: str | None) -> None:
        if tenant is None:
            return
        if len(self._ended.get(tenant, ())) > self._ended_most:
            self._crowded[tenant] = None
        else:
            self._crowded.pop(tenant, None)

    def _list(self, kept: Kept) -> None:
        if (owner := kept.listed_of) is not None:
            self._listed.setdefault(owner.tenant, {}).setdefault(owner.brand, Order()).add(kept.position)

    def _unlist(self, kept: Kept) -> None:
        if (owner := kept.listed_of) is not None:
            order = self._listed[owner.tenant][owner.brand]
            order.remove(kept.position)
            if not order:
                _leave(self._listed, owner.tenant, owner.brand)


def _leave(groups: dict[str, dict[str, T]], name: str, member: str) -> None:
    """Take a member out of its group; a group without any is none."""
    del groups[name][member]
    if not groups[name]:
        del groups[name]
