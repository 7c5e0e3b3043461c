"""Dead letters as a long-lived process looks at them, and has them sent again.

The law: what a replay answers is so, also where it says that there is more: the rest is on its way then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from consumer.control.owner import Owner
from consumer.data_keys.opening import Opening
from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Record
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.replay.dead_letters import Lying, lying, matching
from consumer.replay.filters import Filters
from consumer.replay.ledger import generations
from consumer.replay.pages import Page, Position, page
from consumer.replay.plan import Place, Planned, Planner
from consumer.replay.run import Summary
from consumer.settings import Settings
from consumer.shares import Shares
from consumer.webhooks.subscription import Status

READERS: Final = 8
READERS_OF_A_TENANT: Final = 2
REPLAYS: Final = 8
REPLAYS_OF_A_TENANT: Final = 1
"""That are waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to replay."""

    again: bool
    dry_run: bool
    place: Place = Place.BEFORE
    by: str = "operator"


class Replays(Protocol):
    """Who sends again what is asked for: see `jobs.dead_letters.JobReplays`."""

    def replay(self, owner: Owner, webhook: str, chosen: Sequence[Lying] | Filters, way: Way) -> Summary:
        """Replay what lies there, or all that match, of this webhook.

        Raises:
            Exception: whatever keeps it from being begun.
        """


class DeadLetterDesk:
    """For many threads. It reads and writes Kafka by itself."""

    def __init__(
        self,
        settings: Settings,
        replays: Replays,
        opening: Opening,
        *,
        generations: Callable[[Settings], Mapping[str, int]] = generations,
    ) -> None:
        self._settings = settings
        self._replays = replays
        self._opening = opening
        self._generations = generations
        self._readers = Shares("readers of dead letters", places=READERS, share=READERS_OF_A_TENANT, retry_after_s=2)
        self._replaying = Shares("replays", places=REPLAYS, share=REPLAYS_OF_A_TENANT, retry_after_s=5)

    def page(self, tenant: str, filters: Filters, *, after: Position, limit: int) -> Page:
        """See `pages.page`. Raises Busy."""
        with self._readers.place(tenant):
            return page(self._settings, filters, after=after, limit=limit, opened=self._opening.records)

    def found(self, tenant: str, filters: Filters) -> list[DeadLetter]:
        """All that match, for filters that match few.

        Raises:
            Busy: too many look through the topic, of this tenant or of all.
            KafkaBroken: it could not be read.
        """
        with self._readers.place(tenant):
            return list(self._matching(filters))

    def lying(self, tenant: str, filters: Filters) -> list[Lying]:
        """Where those lie that match, for filters that match few. Raises as `found` does."""
        with self._readers.place(tenant):
            return list(lying(self._records(), filters))

    def replay(
        self, owner: Owner, webhook: str, chosen: Sequence[DeadLetter] | Filters, status: Status | None, way: Way
    ) -> Summary:
        """Replay these of the webhook, or those that match. `status` is the webhook's; None: it is deleted.

        Raises:
            Busy: the tenant waits for a replay already, or too many of all tenants are waited for.
            KafkaBroken: not written, or not all of it.
            Exception: whatever `Replays.replay` raises.
        """
        with self._replaying.place(owner.tenant):
            if way.dry_run or status is not Status.ACTIVE:
                return self._planned(chosen, {} if status is None else {webhook: status}, way)
            if isinstance(chosen, Filters):
                return self._replays.replay(owner, webhook, chosen, way)
            ids = frozenset(each.delivery.id for each in chosen)
            return self._replays.replay(owner, webhook, [*lying(self._records(), Filters(ids=ids))], way)

    def _matching(self, filters: Filters) -> Iterator[DeadLetter]:
        return matching(self._records(), filters)

    def _records(self) -> Iterator[Record]:
        return self._opening.records(read_to_end(self._settings, Topics.of(self._settings).dead_letter))

    def _planned(self, chosen: Sequence[DeadLetter] | Filters, statuses: Mapping[str, Status], way: Way) -> Summary:
        """What would become of them, as far as is known now."""
        planner = Planner(
            generations=self._generations(self._settings),
            statuses=statuses,
            max_replays=self._settings.max_replays,
            again=way.again,
            place=way.place,
        )
        summary = Summary()
        for dead_letter in self._matching(chosen) if isinstance(chosen, Filters) else chosen:
            summary.matched += 1
            match planner.plan(dead_letter, 0):
                case Planned():
                    summary.replayed += 1
                case skipped:
                    summary.skipped[skipped.reason] += 1
        return summary
