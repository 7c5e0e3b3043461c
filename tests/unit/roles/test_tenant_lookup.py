"""Tenants with many webhooks are read beside the others, and hold none of them up."""

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from structlog.testing import capture_logs

from consumer.delivery.tenants import Loading
from consumer.roles.tenant_lookup import AT_ONCE, FEW, Doubts, TenantLookup, Wanted
from consumer.webhooks.reader import Many, Unavailable, Unchanged

WITHIN_S = 10.0
LARGE = "large"


class Cache:
    """`large…` have many webhooks; reading them takes until `released`."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.asked: list[Wanted] = []
        self.at_work = 0
        self.most_at_work = 0

    def read(self, wanted: Wanted, most: int) -> tuple[dict[str, Loading], list[str]]:
        self.asked.append(dict(wanted))
        if most <= FEW:
            return {tenant: Unchanged() for tenant in wanted if LARGE not in tenant}, [
                tenant for tenant in wanted if LARGE in tenant
            ]
        self.at_work += len(wanted)
        self.most_at_work = max(self.at_work, self.most_at_work)
        assert self.released.wait(WITHIN_S)
        self.at_work -= len(wanted)
        return {tenant: Unchanged() for tenant in wanted}, []


@contextmanager
def opened(read: Callable[[Wanted, int], tuple[dict[str, Loading], list[str]]]) -> Iterator[TenantLookup]:
    with closing(TenantLookup(read)) as lookup:
        yield lookup


def taken(lookup: TenantLookup, number: int) -> dict[str, Loading]:
    found: dict[str, Loading] = {}
    until_s = time.monotonic() + WITHIN_S
    while len(found) < number:
        assert select.select([lookup.fd], [], [], max(0.0, until_s - time.monotonic()))[0], f"only {found}"
        for replies in lookup.take():
            found |= replies
    return found


def test_whatever_a_tenant_with_many_webhooks_takes_the_others_are_answered() -> None:
    cache = Cache()
    with opened(cache.read) as lookup:
        lookup.ask({"large-1": None, "small-1": None, "large-2": None})
        assert taken(lookup, 3) == {"large-1": Many(), "small-1": Unchanged(), "large-2": Many()}
        lookup.ask_alone({"large-1": None, "large-2": None})
        for number in range(2, 6):
            lookup.ask({f"small-{number}": None})
            assert taken(lookup, 1) == {f"small-{number}": Unchanged()}
        cache.released.set()
        assert set(taken(lookup, 2)) == {"large-1", "large-2"}
    assert cache.most_at_work == 1


def test_so_many_tenants_at_most_are_read_in_one_round_trip() -> None:
    cache = Cache()
    with opened(cache.read) as lookup:
        lookup.ask({f"small-{number}": str(number) for number in range(2 * AT_ONCE + 1)})
        assert len(taken(lookup, 2 * AT_ONCE + 1)) == 2 * AT_ONCE + 1
    assert [len(wanted) for wanted in cache.asked] == [AT_ONCE, AT_ONCE, 1]
    assert cache.asked[2] == {f"small-{2 * AT_ONCE}": str(2 * AT_ONCE)}


@pytest.mark.parametrize("tenant", ["small", LARGE])
def test_an_exception_of_either_lane_surfaces_where_replies_are_taken(tenant: str) -> None:
    def read(_wanted: Wanted, _most: int) -> tuple[dict[str, Loading], list[str]]:
        raise ZeroDivisionError

    with opened(read) as lookup:
        (lookup.ask_alone if tenant is LARGE else lookup.ask)({tenant: None})
        with pytest.raises(ZeroDivisionError):
            taken(lookup, 1)


def test_who_leaves_waits_for_none_that_are_asked_for() -> None:
    cache = Cache()
    cache.released.set()
    with opened(cache.read) as lookup:
        lookup.ask_alone({f"large-{number}": None for number in range(1_000)})
        began_s = time.monotonic()
    assert time.monotonic() - began_s < WITHIN_S


def test_a_cache_that_cannot_tell_is_two_lines_however_many_tenants_ask() -> None:
    away = {"a": Unavailable(reason="away"), "b": Unavailable(reason="away")}
    with capture_logs() as lines:
        doubts = Doubts()
        for _ in range(100):
            doubts.heard({"a": away["a"]})
            doubts.heard({"c": Unchanged()})
            doubts.heard({"b": away["b"]})
        doubts.heard({"a": Unchanged()})
        doubts.heard({"b": Unchanged()})
    assert [(line["event"], line.get("reason"), line.get("times")) for line in lines] == [
        ("webhooks unreadable", "away", None),
        ("over: webhooks unreadable", None, 200),
    ]
