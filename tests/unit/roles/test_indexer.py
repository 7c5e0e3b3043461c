"""What the role hands over to the index's thread, and what it leaves out when the thread has no room."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from consumer.events.event import Record
from consumer.kafka.attempt_decoding import decode_head
from consumer.kafka.records import encode_attempt
from consumer.log.packing import Packing
from consumer.roles import indexer as module
from consumer.roles.indexer import Indexer
from consumer.roles.partition_news import Began, Left, News, Read
from consumer.settings import Settings
from tests.attempts import plain

NOW_MS = 1_790_000_000_000
ATTEMPT = encode_attempt(replace(plain, delivery_id="0a" * 16))


class Slow:
    """A thread that takes nothing over by itself."""

    def __init__(self) -> None:
        self.taken, self.partitions = 0, 1
        self.heard: list[News] = []

    def run(self, news: "queue.SimpleQueue[News | None]") -> None:
        while (each := news.get()) is not None:
            self.heard.append(each)


@contextmanager
def indexing(tender: Slow) -> Iterator[Indexer]:
    indexer = Indexer(Packing(Settings(), lambda: NOW_MS), tender, lambda: NOW_MS)
    try:
        yield indexer
    finally:
        indexer.close()


def read(indexer: Indexer, offset: int, value: bytes = ATTEMPT) -> None:
    record = Record(
        topic="attempts", partition=0, offset=offset, key=b"wh_1", value=value, headers=(), timestamp_ms=NOW_MS
    )
    indexer.taken(record, decode_head(value))
    indexer.read(record)


def live(tender: Slow) -> list[tuple[int, int, int | None, bool]]:
    """First, end, how many attempts, and whether the log ended there."""
    found = [live for each in tender.heard if isinstance(each, Read) for live in each.lives.values()]
    return [
        (each.first, each.end, None if each.taken is None else len(each.taken), each.at_end_ms is not None)
        for each in found
    ]


def test_what_was_read_is_handed_over_in_order() -> None:
    tender = Slow()
    with indexing(tender) as indexer:
        indexer.began(0, 5)
        for offset in (5, 6, 9):
            read(indexer, offset)
        indexer.turn({})
        indexer.turn({})  # nothing new
        indexer.turn({0: 12})  # what lies up to the end is no record
        indexer.left(0)
        read(indexer, 12)
        indexer.turn({0: 13})
    assert live(tender) == [(5, 10, 3, False), (10, 12, 0, True)]
    assert [type(each) for each in tender.heard] == [Began, Read, Read, Left]


def test_without_room_it_is_left_out_and_later_there_is_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MOST", 3)
    tender = Slow()
    with indexing(tender) as indexer:
        indexer.began(0, 0)
        for offset in range(5):
            read(indexer, offset)
        indexer.turn({})
        read(indexer, 5)
        indexer.turn({})
        tender.taken = 1
        for offset in (6, 7, 8):
            read(indexer, offset)
        indexer.turn({})
    assert live(tender) == [(0, 5, None, False), (5, 6, 1, False), (6, 9, 3, False)]


def test_what_cannot_be_kept_costs_nothing_but_itself() -> None:
    tender = Slow()
    with indexing(tender) as indexer:
        indexer.began(0, 0)
        read(indexer, 0, encode_attempt(replace(plain, delivery_id="no id")))
        read(indexer, 1, encode_attempt(replace(plain, delivery_id="0a" * 16, outcome="sideways")))
        read(indexer, 2)
        indexer.turn({})
    assert live(tender) == [(0, 3, 1, False)]
