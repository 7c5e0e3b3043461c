"""Which jobs may have their sources open: each is a client of Kafka, and what it keeps in mind. Pure.

The laws:
- 16 are open at once, 2 of a tenant; resends have 4 of the 16, and 2 of a tenant beside its 2 others: so no long job
  keeps a single delivery waiting;
- who waits for a place gets it within half a minute of those that may make room: the one that has had its place longest
  gives way, goes on later from where it is, and pays for opening its source again.
"""

from dataclasses import dataclass
from typing import Final

from consumer.jobs.job import Asked, Kind

LONG: Final = 12
SHORT: Final = 4
OF_A_TENANT: Final = 2
SLICE_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    tenant: str
    short: bool
    since_s: float


class Places:
    """Times are monotonic seconds."""

    def __init__(self) -> None:
        self._taken: dict[str, _Taken] = {}

    def take(self, asked: Asked, now_s: float) -> bool:
        """A place for this job, if there is one."""
        wanted = _Taken(tenant=asked.owner.tenant, short=asked.kind is Kind.RESEND, since_s=now_s)
        if len(self._rivals(wanted)) >= _number(wanted) or len(self._own(wanted)) >= OF_A_TENANT:
            return False
        self._taken[asked.id] = wanted
        return True

    def leave(self, job_id: str) -> None:
        """Its place is free, if it had one."""
        self._taken.pop(job_id, None)

    def to_give_way(self, asked: Asked, now_s: float) -> str | None:
        """The job that makes room for this one, which has no place; None as long as all have theirs for too short."""
        wanted = _Taken(tenant=asked.owner.tenant, short=asked.kind is Kind.RESEND, since_s=now_s)
        own = self._own(wanted)
        among = own if len(own) >= OF_A_TENANT else self._rivals(wanted)
        longest = min(among, key=lambda each: among[each].since_s, default=None)
        return longest if longest is not None and now_s - among[longest].since_s >= SLICE_S else None

    def _rivals(self, wanted: _Taken) -> dict[str, _Taken]:
        return {job_id: each for job_id, each in self._taken.items() if each.short is wanted.short}

    def _own(self, wanted: _Taken) -> dict[str, _Taken]:
        return {job_id: each for job_id, each in self._rivals(wanted).items() if each.tenant == wanted.tenant}


def _number(wanted: _Taken) -> int:
    return SHORT if wanted.short else LONG
