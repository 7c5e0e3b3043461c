"""The jobs under way, whose turn it is, and which of them have their sources open.

The laws:
- a resend goes first, and the others take their turns in a ring;
- after a resend comes another job that is due. So whoever sends one delivery after the other again takes every second
  turn from the others, and no more.
"""

from collections import deque
from collections.abc import Collection

from consumer.jobs.active import Active
from consumer.jobs.job import Asked, Job, Kind
from consumer.jobs.places import Places


class Turns:
    """Belongs to one thread. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._active: dict[str, Active] = {}
        self._ring: deque[str] = deque()
        self._places = Places()
        self._after_resend = False

    @property
    def all(self) -> Collection[Active]:
        """All that are under way."""
        return self._active.values()

    def of(self, job_id: str) -> Active | None:
        """One of them."""
        return self._active.get(job_id)

    def follow(self, asked: Asked, job: Job, now_s: float) -> None:
        """This one is under way, too; its turn comes last."""
        self._active[asked.id] = Active(asked, job, now_s)
        self._ring.append(asked.id)

    def drop(self, active: Active) -> None:
        """This one is under way no more."""
        active.close()
        self._places.leave(active.asked.id)
        del self._active[active.asked.id]
        self._ring.remove(active.asked.id)

    def next(self, now_s: float) -> Active | None:
        """Whose turn it is, of those that are due; None: nobody is."""
        due = [each for each in map(self._active.__getitem__, self._ring) if each.due_s <= now_s]
        others = (each for each in due if not _is_resend(each))
        resends = (each for each in due if _is_resend(each))
        first, second = (others, resends) if self._after_resend else (resends, others)
        chosen = next(first, None) or next(second, None)
        if chosen is not None:
            self._after_resend = _is_resend(chosen)
            self._to_the_end(chosen)
        return chosen

    def idle_s(self, now_s: float, most_s: float) -> float:
        """For how long nobody is due, `most_s` at most."""
        due_s = min((each.due_s for each in self.all), default=now_s + most_s)
        return max(0.0, min(most_s, due_s - now_s))

    def has_place(self, active: Active, now_s: float) -> bool:
        """Whether its source is open, or may be opened now."""
        return active.run is not None or self._places.take(active.asked, now_s)

    def gives_way(self, active: Active, now_s: float) -> Active | None:
        """Who is to be set aside for this one, which has no place, if anybody is."""
        job_id = self._places.to_give_way(active.asked, now_s)
        return None if job_id is None else self._active[job_id]

    def set_aside(self, active: Active) -> None:
        """It goes on later, from what is written."""
        active.close()
        self.leave_place(active)
        self._to_the_end(active)

    def leave_place(self, active: Active) -> None:
        """Its source is closed."""
        self._places.leave(active.asked.id)

    def close(self) -> None:
        """Leave all sources."""
        for active in self.all:
            active.close()
        self._active.clear()

    def _to_the_end(self, active: Active) -> None:
        self._ring.remove(active.asked.id)
        self._ring.append(active.asked.id)


def _is_resend(active: Active) -> bool:
    return active.asked.kind is Kind.RESEND
