"""Lists of the delivery log: every row once, on one page, whatever the page size and whatever is written meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consumer.log.entry import Ended, Entry, Trigger, changes_nothing, delivery_of, logged_of, pack, unpack
from consumer.log.index import Kind, Name, rising
from consumer.log.query import Cursor, Filter, Position, Query, Row, View, ready
from consumer.log.search import Behind, InFront, Lists, Place, Search
from consumer.log.tail import newer

WEBHOOKS = [f"wh_{number}" for number in range(5)]
Attempt: TypeAlias = tuple[int, int, Ended, int, int, bool]
ATTEMPTS: st.SearchStrategy[list[Attempt]] = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 2),
        st.sampled_from(Ended),
        st.integers(0, 5),
        st.integers(0, 3),
        st.sampled_from([False, False, True]),
    ),
    max_size=60,
)
FILTERS = st.sampled_from(
    [
        Query(),
        Query(ended=frozenset({Ended.RETRY})),
        Query(ended=frozenset({Ended.DELIVERED, Ended.DEAD})),
        Query(since_ms=1_010, until_ms=1_030),
        Query(webhooks=frozenset({"wh_1", "wh_3"})),
    ]
)


@dataclass
class Log:
    """The lists of one tenant, and all that was ever in them."""

    lists: dict[Place, list[bytes]] = field(default_factory=dict)
    now_ms: int = 1_000
    last: dict[tuple[int, int], tuple[int, int, Ended]] = field(default_factory=dict)
    offset: int = 0

    def attempt(self, attempt: Attempt) -> None:
        """One more of a delivery; one that has ended is begun anew, as another.

        `now` it is one beside its other tries, also after it was given up.
        """
        webhook, delivery, ended, partition, later_ms, now = attempt
        self.now_ms += later_ms
        self.offset += 1
        life, number, before = self.last.get((webhook, delivery), (0, 0, Ended.DELIVERED))
        if before is Ended.DELIVERED or (before is Ended.DEAD and not now):
            life, number = life + 1, 0
        number += 1
        if ended is Ended.DELIVERED or not now or number == 1:
            self.last[webhook, delivery] = life, number, ended
        entry = Entry(
            offset=self.offset, logged_ms=self.now_ms, begun_ms=self.now_ms - 1, first_ms=None, elapsed_ms=1,
            status=200, failure="", number=number, ended=ended, truncated=False,
            trigger=Trigger.RESEND if now else Trigger.EVENT, tier=None, reason="",
            delivery=f"{webhook:08x}{delivery:08x}{life:016x}", event_type="a", event_id="b",
        )  # fmt: skip
        kind = Kind.PLAIN if entry.plain else Kind.EVENTFUL
        entries = self.lists.setdefault(Place(Name(WEBHOOKS[webhook], kind), partition % 2), [])
        entries.append(rising(entries, pack(entry)))

    def rows(self, view: View, asked: Filter, top_ms: int) -> list[Row]:
        """What a list has to show, said without any pages."""
        of = [
            (place.position(packed), place, packed)
            for place, entries in self.lists.items()
            for packed in entries
            if logged_of(packed) <= top_ms and (not asked.query.webhooks or place.name.webhook in asked.query.webhooks)
        ]
        latest: dict[bytes, Position] = {}
        for at, _, packed in sorted(of, key=lambda each: each[0], reverse=True):
            if not unpack(packed).changes_nothing:
                latest[delivery_of(packed)] = at
        found = []
        for at, place, packed in sorted(of, key=lambda each: each[0]):
            row = Row(webhook=place.name.webhook, partition=place.partition, entry=unpack(packed))
            last = latest.get(delivery_of(packed)) == at
            if (view is View.ATTEMPTS or last) and asked.could_match(packed) and asked.matches(row.entry):
                found.append(row)
        return found

    def answer(self, search: Search) -> None:
        """What Redis does."""
        for reading in search.wanted():
            match reading:
                case Lists():
                    lists = [
                        (place, logged_of(entries[-1]))
                        for place, entries in self.lists.items()
                        if place.name.kind is reading.kind and logged_of(entries[-1]) <= reading.until_ms
                    ]
                    search.lists_read(reading, sorted(lists, key=lambda each: (-each[1], each[0]))[: reading.most])
                case Behind():
                    entries = self.lists[reading.place][::-1]
                    behind = [each for each in entries if reading.place.position(each) > reading.behind]
                    search.read(reading, behind[: reading.most])
                case InFront():
                    entries = self.lists.get(reading.place, [])
                    front = [
                        delivery_of(each)
                        for each in entries
                        if reading.place.position(each) <= reading.before
                        and logged_of(each) <= reading.top_ms
                        and not changes_nothing(each)
                    ]
                    search.in_front_read(reading, b"".join(front))


def begun(log: Log, asked: Filter, view: View, cursor: Cursor, limit: int) -> Search:
    unknown = {} if asked.query.webhooks else dict.fromkeys(asked.kinds, 10**9)
    search = Search(view=view, asked=asked, begin=cursor, limit=limit, partitions=(0, 1), unknown=unknown)
    for place, entries in log.lists.items():
        if place.name.webhook in asked.query.webhooks and place.name.kind in asked.kinds:
            search.know(place, logged_of(entries[-1]))
    return search


def page(log: Log, search: Search, most: int) -> tuple[list[Row], Cursor | None]:
    while search.wanted():
        log.answer(search)
        if search.looked_at >= most:
            search.stop()
    return search.rows[: search.limit], search.next


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What somebody asks for, and in what pages."""

    view: View
    query: Query
    limit: int
    most: int


READERS = st.builds(
    Reader,
    view=st.sampled_from(View),
    query=FILTERS,
    limit=st.integers(1, 12),
    most=st.sampled_from((3, 20, 10_000)),
)


@settings(max_examples=100)
@given(ATTEMPTS, ATTEMPTS, READERS)
@example(
    [(0, 0, Ended.RETRY, 0, 1, False), (0, 0, Ended.DELIVERED, 0, 1, False)],
    [],
    Reader(view=View.DELIVERIES, query=Query(), limit=1, most=3),
)
@example(
    [(0, 0, Ended.DEAD, 0, 1, False), (1, 0, Ended.DELIVERED, 0, 1, False), (0, 0, Ended.DELIVERED, 0, 1, True)],
    [],
    Reader(view=View.DELIVERIES, query=Query(), limit=1, most=3),
)
def test_every_row_is_once_on_one_page(before: list[Attempt], meanwhile: list[Attempt], reader: Reader) -> None:
    paged(before, meanwhile, reader)


def paged(before: list[Attempt], meanwhile: list[Attempt], reader: Reader) -> None:
    log, asked = Log(), ready(reader.query)
    for each in before:
        log.attempt(each)
    top_ms = log.now_ms
    log.now_ms += 1
    expected = log.rows(reader.view, asked, top_ms)
    found: list[Row] = []
    cursor: Cursor | None = Cursor(top_ms, Position.from_(top_ms))
    rest = iter(meanwhile)
    for _ in range(1_000):
        if cursor is None:
            break
        rows, cursor = page(log, begun(log, asked, reader.view, cursor, reader.limit), reader.most)
        assert len(rows) <= reader.limit
        found += rows
        for each in islice(rest, 3):
            log.attempt(each)
    assert cursor is None
    assert found == expected


@settings(max_examples=60)
@given(ATTEMPTS, ATTEMPTS, st.sampled_from(View), st.integers(1, 9), st.integers(1, 9))
def test_a_live_tail_shows_all_that_comes(
    before: list[Attempt], after: list[Attempt], view: View, limit: int, most: int
) -> None:
    log, asked = Log(), ready(Query())
    for each in before:
        log.attempt(each)
    stood = Position.from_(log.now_ms)
    known = log.rows(View.ATTEMPTS, asked, log.now_ms)
    log.now_ms += 1
    for each in after:
        log.attempt(each)
    found: list[Row] = []
    for _ in range(200):
        read = {
            place: [each for each in entries if place.position(each) < stood][:most]
            for place, entries in log.lists.items()
        }
        rows, went = newer(view, asked, read, most=most, until=Position.from_(log.now_ms), limit=limit)
        found += rows
        if went == stood:
            break
        stood = went
    assert not {row.position for row in found} & {row.position for row in known}
    assert [row.position for row in found] == sorted((row.position for row in found), reverse=True)
    shown = {row.position for row in found}
    assert shown >= {row.position for row in log.rows(view, asked, log.now_ms)} - {row.position for row in known}
    if view is View.ATTEMPTS:
        assert len(found) == len(after)


def always(self: object, packed: bytes) -> bool:
    return True


def ended(self: object, packed: bytes) -> bool:
    return unpack(packed).ended is not Ended.RETRY


@pytest.mark.parametrize("planted", [always, ended])
def test_a_delivery_shown_twice_or_never_is_found(
    planted: Callable[[object, bytes], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, asked = Log(), ready(Query())
    for came in (Ended.RETRY, Ended.RETRY, Ended.DELIVERED):
        log.attempt((0, 0, came, 0, 1, False))
    log.attempt((1, 0, Ended.RETRY, 0, 1, False))
    log.attempt((1, 0, Ended.DEAD, 0, 1, True))
    monkeypatch.setattr("consumer.log.search._Attempted.is_latest", planted)
    begin = Cursor(log.now_ms, Position.from_(log.now_ms))
    rows, _ = page(log, begun(log, asked, View.DELIVERIES, begin, 9), 10_000)
    assert rows != log.rows(View.DELIVERIES, asked, log.now_ms)
