"""Links are ended by their owner only, at once, in every process, and for good."""

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from consumer.control.owner import Owner
from consumer.control.portal_ending import EndsFull, LinkUnknown, PortalEnding
from consumer.control.portal_ends import PortalEnd, PortalEnds, decode, encode, record_key
from consumer.control.portal_link_ids import OVER_MS, PortalLinkIds, made_at_ms
from consumer.events.event import Record
from consumer.webhooks.keyring import Keyring
from tests.memory_api import NOW_MS, SETTINGS
from tests.memory_topic import MemoryTopic

ACME = Owner(tenant="acme", brand="hookline")
OTHERS = (Owner(tenant="other", brand="hookline"), Owner(tenant="acme", brand="convo"))
IDS = PortalLinkIds(Keyring.from_settings(SETTINGS))


class Process:
    """One process: what it knows, and what it ends."""

    def __init__(self, topic: MemoryTopic, most: int = 3) -> None:
        self.topic = topic
        self.ends = PortalEnds()
        self.now_ms = NOW_MS
        self.ending = PortalEnding(
            "state", keyring=Keyring.from_settings(SETTINGS), ends=self.ends, writer=topic,
            now_ms=lambda: self.now_ms, most=most,
        )  # fmt: skip
        self.read = 0

    def link(self, owner: Owner = ACME, *, at_ms: int = NOW_MS, seed: int = 1) -> str:
        return IDS.new(owner, now_ms=at_ms, entropy=lambda size: bytes([seed] * size))

    def reads(self) -> PortalEnds:
        for record in self.topic.records[self.read :]:
            self.ends.apply(record)
        self.read = len(self.topic.records)
        return self.ends


@pytest.fixture
def process() -> Process:
    return Process(MemoryTopic())


def test_one_link_is_ended_in_every_process(process: Process) -> None:
    link, another = process.link(), process.link(seed=2)
    elsewhere = Process(process.topic)
    process.ending.end(ACME, link)
    assert (elsewhere.reads().ended(ACME, link), elsewhere.ends.ended(ACME, another)) == (True, False)
    process.reads()
    process.ending.end(ACME, link)
    assert len(process.topic.records) == 1, "ended once"


@pytest.mark.parametrize("other", OTHERS)
def test_nobody_ends_what_is_another_s(process: Process, other: Owner) -> None:
    theirs = process.link(other)
    for made_up in (theirs, "", "pl_0", theirs[:-1] + "_", process.link() + "x"):
        with pytest.raises(LinkUnknown):
            process.ending.end(ACME, made_up)
    process.ending.end_all(ACME)
    assert not process.reads().ended(other, theirs)


def test_all_of_an_owner_s_until_now_and_none_that_comes(process: Process) -> None:
    before, after = process.link(), process.link(at_ms=NOW_MS + 1)
    process.ending.end(ACME, after)
    process.reads()
    process.now_ms = NOW_MS
    process.ending.end_all(ACME)
    ends = process.reads()
    assert ends.ended(ACME, before)
    assert not ends.ended(ACME, process.link(at_ms=NOW_MS + 2))


def test_one_that_was_ended_stays_so_whatever_the_clock_of_who_ends_all(process: Process) -> None:
    made_elsewhere = process.link(at_ms=NOW_MS + 5)
    process.ending.end(ACME, made_elsewhere)
    process.reads()
    process.ending.end_all(ACME)
    assert process.reads().ended(ACME, made_elsewhere)


def test_an_earlier_end_brings_nothing_back(process: Process) -> None:
    process.now_ms = NOW_MS + 10
    process.ending.end_all(ACME)
    process.now_ms = NOW_MS
    process.ending.end_all(ACME)
    assert process.reads().ended(ACME, process.link(at_ms=NOW_MS + 5))


def test_a_few_are_remembered_and_what_is_over_is_not(process: Process) -> None:
    for seed in range(3):
        process.ending.end(ACME, process.link(seed=seed))
        process.reads()
    with pytest.raises(EndsFull, match="end all of them at once"):
        process.ending.end(ACME, process.link(seed=9))
    process.now_ms = NOW_MS + OVER_MS + 1
    new = process.link(seed=9, at_ms=process.now_ms)
    process.ending.end(ACME, new)
    assert process.reads().of(ACME) == [new]
    assert [each.value for each in process.topic.records[3:6]] == [None] * 3


def test_what_cannot_be_read_opens_nothing(process: Process) -> None:
    link = process.link()
    for key in (record_key(ACME, link), record_key(ACME, None)):
        ends = PortalEnds()
        with structlog.testing.capture_logs() as logs:
            ends.apply(record(key, b"nonsense"))
        assert ends.ended(ACME, link)
        assert [each["event"] for each in logs] == ["not an end of portal links"]
    ends = PortalEnds()
    ends.apply(record(b"key:abc", b"nonsense"))
    ends.apply(record(None, b""))
    assert not ends.ended(ACME, link)


def test_another_topic_begins_anew(process: Process) -> None:
    process.ending.end_all(ACME)
    ends = process.reads()
    ends.forget()
    assert not ends.ended(ACME, process.link())


@given(at_ms=st.integers(0, 2**47), tenant=st.text(min_size=1), entropy=st.binary(min_size=12, max_size=12))
def test_an_id_tells_when_and_for_whom(at_ms: int, tenant: str, entropy: bytes) -> None:
    owner = Owner(tenant=tenant.encode("utf-8", "replace").decode(), brand="convo")
    link = IDS.new(owner, now_ms=at_ms, entropy=lambda _: entropy)
    assert (made_at_ms(link), IDS.made_for(link, owner), IDS.made_for(link, ACME)) == (at_ms, True, False)


TEXTS = st.text(st.characters(codec="utf-8"))


@given(end=st.builds(PortalEnd, tenant=TEXTS, brand=TEXTS, link=st.none() | TEXTS, ended_at_ms=st.integers(0, 2**62)))
def test_what_was_encoded_is_decoded_equal(end: PortalEnd) -> None:
    assert decode(encode(end)) == end


def record(key: bytes | None, value: bytes | None) -> Record:
    return Record(topic="state", partition=0, offset=0, timestamp_ms=0, key=key, value=value, headers=())
