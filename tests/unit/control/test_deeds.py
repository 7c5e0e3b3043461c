"""The audit log: a deed is told whole, and read back by whom it concerns, a page at a time."""

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from consumer.control.audit import PARTITION, AuditLog, Deed, decode
from consumer.control.deeds import LOOKED_AT_MOST, Deeds, Sought, told
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.ranges import Item, Part
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from tests.memory_api import MemoryAudit
from tests.memory_topic import AwayTopic, MemoryTopic


def deed(number: int = 0, **fields: object) -> Deed:
    plain: dict[str, object] = {
        "id": f"{number:032x}", "at_ms": 1_000 + number, "tenant": "acme", "brand": "hookline", "by": "key:k1",
        "action": "updateWebhook", "target": "wh_1", "fields": ("name", "url"), "request_id": "req_1",
    }  # fmt: skip
    return Deed(**{**plain, **fields})  # type: ignore[arg-type] # fields of every type


def log_of(*deeds: Deed) -> Deeds:
    topic = MemoryTopic()
    for each in deeds:
        AuditLog("audit", topic).tell(each)
    return Deeds(MemoryAudit(topic))


def test_a_deed_is_one_record_of_the_first_partition_and_comes_back_equal() -> None:
    topic = MemoryTopic()
    written: list[NewRecord] = []

    class Writing:
        def write(self, record: NewRecord) -> "Future[Place]":
            written.append(record)
            return topic.write(record)

    AuditLog("t.audit", Writing()).tell(deed(user="ann"))
    [record] = written
    assert (record.topic, record.key, record.partition) == ("t.audit", b"acme", PARTITION)
    assert decode(record.value or b"") == deed(user="ann")


def test_what_kafka_refuses_is_told_to_the_doer() -> None:
    with pytest.raises(KafkaBroken):
        AuditLog("audit", AwayTopic()).tell(deed())


def test_the_newest_come_first_and_each_once_over_pages() -> None:
    deeds = log_of(*(deed(number) for number in range(7)))
    found: list[int] = []
    before, pages = None, 0
    while pages == 0 or before is not None:
        page = deeds.page(Sought(), before=before, limit=3)
        found += [each.at_ms - 1_000 for each in page.found]
        before, pages = page.before, pages + 1
    assert (found, pages) == ([6, 5, 4, 3, 2, 1, 0], 3)


@pytest.mark.parametrize(
    ("sought", "seen"),
    [
        (Sought(tenant="acme"), [0, 1, 2, 4]),
        (Sought(tenant="acme", brand="hookline"), [0, 1, 4]),
        (Sought(by="key:k1"), [0, 2]),
        (Sought(by="link"), [1]),
        (Sought(by="operator"), [4]),
        (Sought(by="command"), []),
        (Sought(by="command", to_operator=True), [4]),
        (Sought(action="createKey"), [1]),
        (Sought(target="wh_9"), [4]),
        (Sought(target="job_1"), [2]),
        (Sought(since_ms=1_003), [3, 4]),
        (Sought(until_ms=1_001), [0]),
    ],
)
def test_what_is_sought(sought: Sought, seen: list[int]) -> None:
    deeds = log_of(
        deed(0),
        deed(1, by="link:l1", action="createKey"),
        deed(2, brand="convo", made="job_1"),
        deed(3, tenant="other", by="key:k2"),
        deed(4, brand="", by="command:ann@host", target="wh_9"),
    )
    page = deeds.page(sought, before=None, limit=10)
    assert sorted(each.at_ms - 1_000 for each in page.found) == seen


def test_whose_hand_gave_a_command_is_told_to_the_operator_alone() -> None:
    by_hand = deed(by="command:ann@host")
    assert told(by_hand)["by"] == "operator"
    assert "tenant" not in told(by_hand)
    assert (told(by_hand, to_operator=True)["by"], told(by_hand, to_operator=True)["tenant"]) == (
        "command:ann@host",
        "acme",
    )


class Long:
    """A partition of very many deeds of others, of which a record is made when it is read."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.reads = 0
        self.value = decode_and_back()

    def extent(self, partition: int) -> tuple[int, int]:
        return 5, self.length

    def read(
        self, partition: int, first: int, *, most: int, before: int | None = None, keep: Callable[[Record], Item]
    ) -> Part[Item]:
        self.reads += 1
        end = min(first + most, self.length if before is None else before)
        one = Record(
            topic="audit", partition=0, offset=first, key=b"o", value=self.value, headers=(), timestamp_ms=0
        )  # fmt: skip
        return Part(kept=(keep(one),) * min(3, end - first), end=end, at_end=False)


def decode_and_back() -> bytes:
    topic = MemoryTopic()
    AuditLog("audit", topic).tell(deed(tenant="other"))
    return topic.records[0].value or b""


def test_a_page_looks_at_a_bounded_part_and_says_where_to_go_on() -> None:
    log = Long(3 * LOOKED_AT_MOST)
    page = Deeds(log).page(Sought(tenant="acme"), before=None, limit=20)
    assert (page.found, page.before) == ([], 2 * LOOKED_AT_MOST)
    last = Deeds(log).page(Sought(tenant="acme"), before=100, limit=20)
    assert (last.found, last.before) == ([], None)


def test_a_page_that_takes_long_ends_and_says_where_to_go_on() -> None:
    now_s = iter(float(each) for each in range(0, 100, 5))
    page = Deeds(Long(50_000), monotonic_s=lambda: next(now_s)).page(Sought(tenant="acme"), before=None, limit=20)
    assert (page.found, page.before) == ([], 49_000)


def test_a_broker_that_falls_silent_is_no_end_of_the_log() -> None:
    class Silent(Long):
        def read(
            self, partition: int, first: int, *, most: int, before: int | None = None, keep: Callable[[Record], Item]
        ) -> Part[Item]:
            return Part(kept=(), end=first, at_end=False)

    with pytest.raises(KafkaBroken):
        Deeds(Silent(100)).page(Sought(), before=None, limit=20)


def test_a_record_that_is_no_deed_is_passed_over() -> None:
    topic = MemoryTopic()
    topic.write(NewRecord(topic="audit", key=None, value=b"nonsense"))
    topic.write(NewRecord(topic="audit", key=None, value=None))
    AuditLog("audit", topic).tell(deed())
    assert Deeds(MemoryAudit(topic)).page(Sought(), before=None, limit=9).found == [deed()]
