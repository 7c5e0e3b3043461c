"""What the routes stand on.

The law: this is everything. The role builds it on Kafka and Redis, a test on its own; no route opens a connection.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from consumer.control.api_keys import ApiKeys
from consumer.control.audit import Telling
from consumer.control.cursor import Cursors
from consumer.control.deeds import Page as DeedPage
from consumer.control.deeds import Sought
from consumer.control.idempotency import Once
from consumer.control.key_directory import KeyDirectory
from consumer.control.owner import Owner
from consumer.control.portal_ending import PortalEnding
from consumer.control.portal_ends import PortalEnds
from consumer.control.resend_now import Again
from consumer.control.trial import Trial
from consumer.control.webhooks import Webhooks
from consumer.delivery.delivery import DeadLetter
from consumer.jobs.dead_letter_desk import Way
from consumer.jobs.desk import Desk
from consumer.log.archive import Kept
from consumer.log.attempt_id import Place
from consumer.log.bodies import Records
from consumer.log.health import Health
from consumer.log.listing import Lists
from consumer.log.stats import Stats
from consumer.replay.dead_letters import Lying
from consumer.replay.filters import Filters
from consumer.replay.pages import Page, Position
from consumer.replay.run import Summary
from consumer.settings import Settings
from consumer.shares import Shares
from consumer.standings.store import Backlog
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Status, Subscription


class Plane(Protocol):
    """The control plane in this process; see `control.Control`."""

    settings: Settings
    keyring: Keyring
    keys: KeyDirectory
    webhooks: Webhooks
    api_keys: ApiKeys
    portal_ends: PortalEnds
    portal_ending: PortalEnding

    @property
    def ready(self) -> bool:
        """Whether everything was read that the topics held at the start."""

    def fresh(self, timeout_s: float = 2.0) -> None:
        """Wait until every write acknowledged before this call is seen here. Raises KafkaBroken."""

    def try_out(self, subscription: Subscription, event_type: str = ..., data: bytes | None = ...) -> Trial:
        """Send a test event and wait for the answer. Raises FieldInvalid, Busy, KafkaBroken."""

    def resend_now(self, subscription: Subscription, again: Again, *, delivered: bool) -> Kept:
        """Send a delivery again and wait for the answer. Raises Busy, KafkaBroken."""


class Healths(Protocol):
    """Health, where it is kept."""

    def read(self, ids: Sequence[str]) -> dict[str, Health]:
        """Of those of these webhooks that have any; nothing while Redis is away."""


class Statistics(Protocol):
    """See `StatsReader`."""

    def read(self, webhook: str) -> Sequence[Stats] | None:
        """Of this webhook; None where not all of it is known, as while Redis is away."""


class Uses(Protocol):
    """Who remembers when a key was used last."""

    def used(self, key_id: str, now_ms: int) -> None:
        """The key opened something just now."""

    def read(self, key_ids: Sequence[str]) -> Mapping[str, int]:
        """When these were used last, in epoch milliseconds, as far as it is known."""


class Backlogs(Protocol):
    """See `BacklogReader`."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Backlog]:
        """What waits of these webhooks, as far as it is known."""


class Archives(Records, Protocol):
    """See `Archive`."""

    def read(self, tenant: str, brand: str, place: Place) -> Kept:
        """One attempt. Raises AttemptUnknown, NotKept, Busy, KafkaBroken."""


class DeadLetters(Protocol):
    """See `DeadLetterDesk`."""

    def page(self, tenant: str, filters: Filters, *, after: Position, limit: int) -> Page:
        """Some of those that match."""

    def found(self, tenant: str, filters: Filters) -> list[DeadLetter]:
        """All of those that match."""

    def lying(self, tenant: str, filters: Filters) -> list[Lying]:
        """Where those lie that match. Raises Busy, KafkaBroken."""

    def replay(
        self, owner: Owner, webhook: str, chosen: Sequence[DeadLetter] | Filters, status: Status | None, way: Way
    ) -> Summary:
        """Send these dead letters again."""


class AuditReader(Protocol):
    """See `Deeds`."""

    def page(self, sought: Sought, *, before: int | None, limit: int) -> DeedPage:
        """Some of those that are meant. Raises Busy, KafkaBroken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One process's. `check_url` raises FieldInvalid of a tenant's endpoint that may not be.

    It may ask the DNS, and raises Busy where the tenant, or all, ask for too many names. `kept_since` tells since when
    all events are kept, where they are not kept since that time; None too where this process may not look.
    `attempts_kept_ms` tells how long a record of the log is kept.
    """

    plane: Plane
    healths: Healths
    stats: Statistics
    backlogs: Backlogs
    uses: Uses
    once: Once
    audit: Telling
    deeds: AuditReader
    cursors: Cursors
    check_url: Callable[[str, str], None]
    dead_letters: DeadLetters
    jobs: Desk
    log: Lists
    archive: Archives
    exports: Shares
    look_ups: Shares
    kept_since: Callable[[int], int | None]
    attempts_kept_ms: Callable[[], int | None]
    resends: Shares
