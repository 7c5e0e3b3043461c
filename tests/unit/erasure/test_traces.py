"""What the state topic has of one tenant: all kinds of records that name it, and nobody else's."""

import base64
from dataclasses import replace

from consumer.control import errands, key_record, portal_ends
from consumer.control.errands import Errand
from consumer.control.keys import ApiKey, Scope
from consumer.control.owner import Owner
from consumer.control.portal_ends import PortalEnd
from consumer.control.portal_link_ids import OVER_MS
from consumer.erasure.traces import Traces
from consumer.events.event import Record
from consumer.jobs.job import State
from consumer.jobs.record import asked_record, job_record
from consumer.kafka.writing import NewRecord
from tests.memory_jobs import MemoryDesk

NOW_MS = 1_790_000_000_000
DESK = MemoryDesk()
"""Where jobs get ids of their own."""
ACME, OTHER = Owner(tenant="acme", brand="hookline"), Owner(tenant="other", brand="hookline")


def key(id_: str, owner: Owner) -> NewRecord:
    made = ApiKey(
        id=id_, tenant=owner.tenant, brand=owner.brand, name="", scopes=frozenset({Scope.READ}), digest=b"d" * 32,
        created_at_ms=1,
    )  # fmt: skip
    return NewRecord(topic="state", key=key_record.record_key(id_), value=key_record.encode(made))


def errand(name: str, tenant: str) -> NewRecord:
    made = Errand(tenant=tenant, work="w", claimant="c", fingerprint=b"f", at_ms=NOW_MS)
    return NewRecord(topic="state", key=errands.record_key(name), value=errands.encode(made))


def end(owner: Owner, link: str | None, at_ms: int = NOW_MS) -> NewRecord:
    made = PortalEnd(tenant=owner.tenant, brand=owner.brand, link=link, ended_at_ms=at_ms)
    return NewRecord(topic="state", key=portal_ends.record_key(owner, link), value=portal_ends.encode(made))


def job(owner: Owner, state: State) -> list[NewRecord]:
    id_ = DESK.put(owner, "wh_1", state=state)
    known = DESK.known[id_]
    return [asked_record("state", known.asked), job_record("state", known.job)]


def folded(*records: NewRecord) -> Traces:
    traces = Traces(tenant="acme")
    for offset, each in enumerate(records):
        traces.apply(
            Record(
                topic="state", partition=0, offset=offset, key=each.key, value=each.value, headers=(), timestamp_ms=0
            )
        )  # fmt: skip
    return traces


def test_everything_of_the_tenant_is_found_and_deleted_and_nothing_of_another() -> None:
    mine = [key("k1", ACME), errand("e1", "acme"), end(ACME, "l1"), *job(ACME, State.DONE), *job(ACME, State.RUNNING)]
    others = [key("k2", OTHER), errand("e2", "other"), end(OTHER, "l2"), end(OTHER, None), *job(OTHER, State.DONE)]
    marks = [
        NewRecord(topic="state", key=b"replay:" + b"a" * 32, value=b"?"),
        NewRecord(topic="state", key=None, value=b""),
    ]
    traces = folded(*mine, *others, *marks)
    assert (traces.keys, len(traces.jobs), len(traces.unfinished)) == ({"k1"}, 1, 1)
    records = traces.records("t.state", NOW_MS)
    assert {each.key for each in records} == {mine[0].key, mine[1].key, mine[2].key}
    assert {(each.topic, each.value) for each in records} == {("t.state", None)}
    asked, jobs = traces.job_records("t.jobs")
    assert ([each.key for each in asked], [each.key for each in jobs]) == ([mine[3].key], [mine[4].key])
    gone = folded(*mine, *others, *records, *asked, *jobs)
    assert (gone.records("t.state", NOW_MS), gone.jobs, len(gone.unfinished)) == ([], [], 1)


def test_the_last_record_of_a_key_counts() -> None:
    other = key("k1", OTHER)
    assert folded(key("k1", ACME), other).keys == set()
    assert folded(other, key("k1", ACME)).keys == {"k1"}
    assert folded(key("k1", ACME), replace(other, value=None)).keys == set()


def test_an_end_of_all_links_stays_as_long_as_a_link_may_live() -> None:
    brands = frozenset({"hookline", "convo"})
    assert folded().brands_to_end(brands) == ["convo", "hookline"]
    ended = folded(end(ACME, None))
    assert ended.brands_to_end(brands) == ["convo"]
    assert ended.records("state", NOW_MS + OVER_MS) == []
    [over] = ended.records("state", NOW_MS + OVER_MS + 1)
    assert over.key == end(ACME, None).key
    assert folded(end(ACME, None), over).ends == {}


def test_what_cannot_be_read_is_nobodys() -> None:
    broken = NewRecord(topic="state", key=b"key:k9", value=base64.b64decode("AAAA"))
    traces = folded(broken, key("k1", ACME))
    assert traces.keys == {"k1"}
