"""The checker finds each kind of violation when one is planted, and nothing where there is none."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.acceptance.ledger import Buried, Promises, Tried, Verdict, Waited, judge
from tests.acceptance.receipts import Receipt

PROMISES = Promises(
    bodies={("e1", "a"): b"1", ("e2", "a"): b"2", ("e2", "b"): b"2"},
    event_tenants={"e1": "acme", "e2": "acme", "e3": "globex"},
    tenants={"a": "acme", "b": "acme", "c": "globex"},
)


def receipt(event: str, subscription: str, body: bytes, status: int = 200) -> Receipt:
    return Receipt(at_ms=0, endpoint=subscription, webhook_id=event, status=status, body=body)


def buried(event: str, subscription: str, delivery_id: str = "d") -> Buried:
    return Buried(pair=(event, subscription), delivery_id=delivery_id, reason="exhausted")


KEPT = (receipt("e1", "a", b"1"), receipt("e2", "a", b"2", 500), receipt("e2", "a", b"2"))
DEAD = (buried("e2", "b"), buried("e2", "b"))


def verdict(*receipts: Receipt, dead: Sequence[Buried] = DEAD) -> Verdict:
    return judge(PROMISES, receipts, dead)


def test_a_kept_promise() -> None:
    found = verdict(*KEPT)
    assert found.broken() == ""
    assert found.duplicates == {}
    assert found.accepted_and_buried == frozenset()


def test_lost() -> None:
    found = verdict(*KEPT, dead=())
    assert found.lost == {("e2", "b")}
    assert found.broken() == "1 lost: ('e2', 'b')"


@pytest.mark.parametrize("status", [0, 401, 429, 500])
def test_what_was_not_accepted_is_lost(status: int) -> None:
    assert verdict(replace(KEPT[0], status=status), *KEPT[1:]).lost == {("e1", "a")}


@pytest.mark.parametrize("pair", [("e1", "b"), ("e9", "a"), ("e1", "z")])
def test_phantom(pair: tuple[str, str]) -> None:
    assert verdict(*KEPT, receipt(*pair, b"1")).phantom == {pair}
    assert verdict(*KEPT, receipt(*pair, b"1", 500)).phantom == {pair}
    assert verdict(*KEPT, dead=(*DEAD, buried(*pair))).phantom == {pair}


def test_cross_tenant() -> None:
    found = verdict(*KEPT, receipt("e3", "a", b"3", 500))
    assert found.cross_tenant == {("e3", "a")}
    assert found.phantom == frozenset()


@pytest.mark.parametrize("status", [200, 500])
def test_altered(status: int) -> None:
    assert verdict(*KEPT, receipt("e1", "a", b"1 ", status)).altered == {("e1", "a")}


def test_a_refused_signature() -> None:
    assert verdict(*KEPT, receipt("e1", "a", b"1", 401)).refused_signatures == {("e1", "a")}


def test_two_deliveries_of_one_pair_are_buried_twice() -> None:
    assert verdict(*KEPT, dead=(buried("e2", "b", "x"), buried("e2", "b", "y"))).buried_twice == {("e2", "b")}


def test_duplicates_are_counted() -> None:
    assert verdict(*KEPT, KEPT[0], KEPT[0]).duplicates == {("e1", "a"): 2}


def test_accepted_and_buried() -> None:
    assert verdict(*KEPT, dead=(*DEAD, buried("e1", "a"))).accepted_and_buried == {("e1", "a")}


def tried(
    delivery_id: str, number: int, at_ms: int, ended_ms: int | None = None, *, status: int | None = None
) -> Tried:
    return Tried(
        delivery_id=delivery_id,
        subscription="a",
        number=number,
        at_ms=at_ms,
        ended_ms=at_ms if ended_ms is None else ended_ms,
        answered=status is not None,
        accepted=status == 200,
    )


WAITED = [Waited(delivery_id="d", attempts=1, due_ms=due_ms) for due_ms in (2_000, 1_000)]


def early(*attempts: Tried) -> frozenset[tuple[str, int, int]]:
    return judge(PROMISES, (), (), attempts, WAITED).early


def test_early_and_in_time() -> None:
    first = tried("d", 1, 0)
    assert early(first, tried("d", 2, 1_000)) == frozenset()
    found = early(first, tried("d", 2, 999), tried("x", 2, 5_000))
    assert {each[:2] for each in found} == {("d", 2), ("x", 2)}
    assert ("d", 2, 1) in found


@pytest.mark.parametrize(
    ("others", "allowed"),
    [
        pytest.param((tried("y", 1, 50), tried("z", 1, 500, 600, status=200)), True, id="a recovery"),
        pytest.param(
            (tried("y", 1, 5), tried("x", 1, 6, status=200), tried("z", 1, 500, 600, status=200)), True, id="a second"
        ),
        pytest.param((tried("y", 1, 50), tried("z", 1, 500, 901, status=200)), False, id="that came later"),
        pytest.param((tried("w", 1, -5), tried("y", 1, -4), tried("z", 1, -3, -1, status=200)), False, id="before it"),
        pytest.param((tried("y", 1, 50), tried("z", 1, 500, 600, status=500)), True, id="any answer of who was away"),
        pytest.param((tried("y", 1, 50, status=503), tried("z", 1, 500, 600, status=200)), False, id="it had answered"),
        pytest.param(
            (tried("y", 1, -60_000, status=503), tried("z", 1, 500, 600, status=200)), True, id="for a minute"
        ),
        pytest.param((tried("z", 1, 500, 600, status=200),), False, id="nothing else had failed"),
        pytest.param((tried("y", 1, -16_000), tried("z", 1, 500, 600, status=200)), False, id="long before"),
    ],
)
def test_a_recovery_alone_allows_a_retry_before_its_time(others: tuple[Tried, ...], allowed: bool) -> None:
    found = early(tried("d", 1, 0, 10), *others, tried("d", 2, 900, 950, status=200))
    assert found == (frozenset() if allowed else {("d", 2, 100)})


def test_many_findings_are_shown_as_few() -> None:
    many = Promises(bodies={(f"e{n}", "a"): b"" for n in range(9)}, event_tenants={}, tenants={})
    assert judge(many, ()).broken().startswith("9 lost: ('e0', 'a'), ('e1', 'a'),")
    assert judge(many, ()).broken().endswith("…")
