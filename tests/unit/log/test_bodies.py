"""Text sought in bodies that take long to read: a page comes as far as it can, and the pages miss nothing."""

from collections.abc import Iterator, Sequence

import pytest
from msgspec import structs

from consumer.kafka.client import KafkaBroken
from consumer.log.archive import Kept
from consumer.log.bodies import LOOKED_FOR_S, Search
from consumer.log.query import Cursor, Query, View
from tests.attempts import plain
from tests.memory_log import MemoryLog

HELD = (3, 150, 399)
ATTEMPTS = 400


class Slow(MemoryLog):
    """Each record takes `record_s`; who comes too late is told so, as Kafka's reader does."""

    def __init__(self, record_s: float) -> None:
        super().__init__()
        self.now_s = 100.0
        self.record_s = record_s
        for number in range(ATTEMPTS):
            self.add(structs.replace(plain, request_body=b"a needle" if number in HELD else b"hay"))

    def scan(
        self, tenant: str, brand: str, partition: int, offsets: Sequence[int], *, until_s: float
    ) -> Iterator[Kept]:
        for kept in super().scan(tenant, brand, partition, offsets, until_s=until_s):
            self.now_s += self.record_s
            if self.now_s > until_s:
                raise KafkaBroken("it did not answer in time")
            yield kept


@pytest.mark.parametrize("record_s", [0.0, 0.02, 0.25])
def test_pages_come_to_the_end_and_find_all_however_long_a_record_takes(record_s: float) -> None:
    log = Slow(record_s)
    search = Search(view=View.ATTEMPTS, tenant=plain.tenant, brand=plain.brand, query=Query(), text="needle")
    found: list[int] = []
    cursor: Cursor | None = None
    for _ in range(ATTEMPTS):
        began_s = log.now_s
        page = search.page(log, log, limit=5, cursor=cursor, monotonic_s=lambda: log.now_s)
        assert log.now_s - began_s <= LOOKED_FOR_S + record_s
        found += [row.entry.offset for row in page.rows]
        if page.next is None:
            break
        assert page.searched_to_ms == page.next.behind.logged_ms
        cursor = page.next
    else:
        raise AssertionError("it comes to no end")
    assert found == sorted(HELD, reverse=True)


def test_where_not_even_the_first_can_be_read_it_is_said() -> None:
    log = Slow(LOOKED_FOR_S)
    search = Search(view=View.ATTEMPTS, tenant=plain.tenant, brand=plain.brand, query=Query(), text="needle")
    with pytest.raises(KafkaBroken, match="in time"):
        search.page(log, log, limit=5, cursor=None, monotonic_s=lambda: log.now_s)
