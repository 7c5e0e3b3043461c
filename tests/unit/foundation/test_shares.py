"""One rule for every pool: whatever one tenant takes, for as long as it likes, another finds a place."""

import threading

import pytest

from consumer.shares import Busy, Shares


def test_a_tenant_has_its_share_and_another_finds_a_place() -> None:
    shares = Shares("tests", places=4, share=2, retry_after_s=7)
    leave = [shares.enter("greedy") for _ in range(2)]
    with pytest.raises(Busy, match="2 tests of this tenant") as refused:
        shares.enter("greedy")
    assert (refused.value.own, refused.value.retry_after_s) == (True, 7)
    with shares.place("other"), shares.place("third"):
        with pytest.raises(Busy, match="as many tests") as full:
            shares.enter("fourth")
        assert not full.value.own
    leave[0]()
    leave.append(shares.enter("greedy"))
    leave[1]()
    leave[2]()
    assert [shares.enter(tenant) is not None for tenant in ("a", "a", "b", "b")] == [True] * 4


def test_a_place_is_given_back_whatever_happens_in_it() -> None:
    shares = Shares("tests", places=2, share=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), shares.place("acme"):
            raise ZeroDivisionError


def test_who_waits_gets_the_next_place_and_waits_no_longer_than_he_said() -> None:
    shares = Shares("tests", places=2, share=1)
    leave = shares.enter("acme")
    got = threading.Event()

    def wait() -> None:
        with shares.place("acme", within_s=20):
            got.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    with pytest.raises(Busy):
        shares.enter("acme", within_s=0.01)
    assert not got.is_set()
    leave()
    waiting.join(20)
    assert got.is_set()


def test_no_share_is_the_whole() -> None:
    with pytest.raises(AssertionError, match="every place"):
        Shares("tests", places=3, share=3)
