"""The delivery log in memory: fakes where the index in Redis and the attempts topic would be."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from msgspec import structs

from consumer.delivery.delivery import Attempt
from consumer.kafka.picking import NotKept
from consumer.log.archive import AttemptUnknown, Kept
from consumer.log.attempt_id import Place, attempt_id
from consumer.log.entry import Ended, Entry, Trigger
from consumer.log.query import Cursor, Page, Position, Query, Row, View, ready
from tests.attempts import plain

BEGAN_MS = 1_790_000_000_000
DELIVERY = "5f0c6d0e9b7a4c1d8e2f3a4b5c6d7e8f"
_ENDED = {"delivered": Ended.DELIVERED, "retry": Ended.RETRY, "dead": Ended.DEAD}


class MemoryLog:
    """One partition, 3. `away` is raised instead of an answer; below `begins` nothing is kept."""

    def __init__(self) -> None:
        self.began_ms = BEGAN_MS
        self.attempts: list[Attempt] = []
        self.away: Exception | None = None
        self.begins = 0
        self.searched_to_ms: int | None = None
        self.pages = 0
        self.as_of_ms: int | None = None
        self.filling = False

    def add(self, attempt: Attempt = plain, **changed: object) -> str:
        """Log it, a second after the one before. Returns its id."""
        offset = len(self.attempts)
        at_ms = self.began_ms + offset * 1_000
        fields: dict[str, object] = {"delivery_id": f"{offset:08x}" + DELIVERY[8:], "at_ms": at_ms}
        made = structs.replace(attempt, **{**fields, **changed})
        self.attempts.append(made)
        return attempt_id(partition=3, offset=offset, delivery_id=made.delivery_id)

    def page(
        self, view: View, *, tenant: str, brand: str, query: Query, limit: int, cursor: Cursor | None = None
    ) -> Page:
        self.pages += 1
        last_ms = max((each.at_ms + 100 for each in self.attempts), default=0)
        top_ms = max(last_ms, self.began_ms + 1_000 * len(self.attempts)) if cursor is None else cursor.top_ms
        rows = [row for row in self._rows(view, tenant, brand, query) if row.entry.logged_ms <= top_ms]
        if cursor is not None:
            rows = [row for row in rows if row.position > cursor.behind]
        page = self._page(tuple(rows[:limit]), Position.from_(top_ms))
        then = Cursor(top_ms, rows[limit - 1].position) if len(rows) > limit else None
        return replace(page, next=then, searched_to_ms=self.searched_to_ms)

    def newer(self, view: View, *, tenant: str, brand: str, query: Query, limit: int, after: Position) -> Page:
        rows = [row for row in self._rows(view, tenant, brand, query) if row.position < after][::-1][:limit]
        return self._page(tuple(rows), rows[-1].position if rows else after)

    def read(self, tenant: str, brand: str, place: Place) -> Kept:
        self._answer()
        if place.offset < self.begins:
            raise NotKept("gone", begins=self.begins)
        for kept in self.scan(tenant, brand, place.partition, [place.offset], until_s=0):
            if kept.attempt.delivery_id.startswith(place.delivery):
                return kept
        raise AttemptUnknown

    def scan(
        self, tenant: str, brand: str, partition: int, offsets: Sequence[int], *, until_s: float
    ) -> Iterator[Kept]:
        del until_s
        self._answer()
        for offset in offsets:
            attempt = self.attempts[offset] if partition == 3 and offset < len(self.attempts) else None
            if attempt is not None and (attempt.tenant, attempt.brand) == (tenant, brand) and offset >= self.begins:
                yield Kept(partition=3, offset=offset, logged_ms=attempt.at_ms + 100, attempt=attempt)

    def _answer(self) -> None:
        if self.away is not None:
            raise self.away

    def _rows(self, view: View, tenant: str, brand: str, query: Query) -> list[Row]:
        self._answer()
        asked = ready(query, bottom_ms=0)
        rows = [
            Row(webhook=each.subscription_id, partition=3, entry=entry_of(offset, each))
            for offset, each in enumerate(self.attempts)
            if (each.tenant, each.brand) == (tenant, brand)
        ]
        if view is View.DELIVERIES:
            rows = list({row.entry.delivery: row for row in rows}.values())
        rows = [row for row in rows if not query.webhooks or row.webhook in query.webhooks]
        return sorted((row for row in rows if asked.matches(row.entry)), key=lambda row: row.position)

    def _page(self, rows: tuple[Row, ...], latest: Position) -> Page:
        return Page(
            rows=rows,
            next=None,
            latest=latest,
            as_of_ms=self.began_ms if self.as_of_ms is None else self.as_of_ms,
            indexed_from_ms=self.began_ms - 1,
            filling=self.filling,
        )


def entry_of(offset: int, attempt: Attempt) -> Entry:
    """What the index keeps of it."""
    return Entry(
        offset=offset,
        logged_ms=attempt.at_ms + 100,
        begun_ms=attempt.at_ms,
        first_ms=attempt.first_attempt_ms or attempt.at_ms,
        elapsed_ms=int(attempt.elapsed_ms),
        status=attempt.status,
        failure=attempt.failure or "",
        number=attempt.number,
        ended=_ENDED[attempt.outcome],
        trigger=Trigger[attempt.trigger.upper()],
        truncated=attempt.response_truncated,
        tier=1 if attempt.next_tier else None,
        reason=attempt.reason or "",
        delivery=attempt.delivery_id,
        event_type=attempt.event_type,
        event_id=attempt.event_id,
        job_id=attempt.job_id or "",
    )
