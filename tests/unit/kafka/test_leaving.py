"""Letting go of a client. The fakes stand for confluent_kafka, whose `close` may never return."""

import threading
import time
import weakref
from typing import cast

import pytest
from confluent_kafka import Consumer

from consumer.kafka import leaving


class Member:
    """A subscribed consumer: closing it may keep the interpreter's lock for ever, so nobody may."""

    def __init__(self, *, assigned: int = 0, polls: int = 0) -> None:
        self._assigned = assigned
        self._polls = polls  # until nothing is assigned any more
        self.did: list[str] = []

    def pause(self, partitions: list[int]) -> None:
        self.did.append("pause")

    def unsubscribe(self) -> None:
        self.did.append("unsubscribe")

    def poll(self, timeout: float) -> None:
        self.did.append("poll")
        self._polls -= 1

    def assignment(self) -> list[int]:
        return [0] * self._assigned if self._polls > 0 else []

    def close(self) -> None:
        self.did.append("close")


def leave(member: Member, *, static: bool) -> list[str]:
    did = member.did
    last = [cast("Consumer", member)]
    del member
    leaving.leave(last, static=static)
    assert last == []
    return did


def test_a_static_member_hears_what_waits_for_it_and_is_destroyed() -> None:
    member = Member(assigned=2, polls=5)
    gone = weakref.ref(member)
    last = [cast("Consumer", member)]
    did = member.did
    del member
    leaving.leave(last, static=True)
    assert did == ["pause", "poll"]
    assert gone() is None


def test_another_member_unsubscribes_and_is_closed_when_nothing_is_assigned_any_more() -> None:
    assert leave(Member(), static=False) == ["pause", "poll", "unsubscribe", "poll", "close"]
    did = leave(Member(assigned=2, polls=3), static=False)
    assert did == ["pause", "poll", "unsubscribe", "poll", "poll", "close"]


def test_a_member_whose_partitions_do_not_go_is_never_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "_LEAVE_S", 0.05)
    did = leave(Member(assigned=1, polls=10**9), static=False)
    assert "unsubscribe" in did
    assert "close" not in did


def test_a_close_that_never_returns_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "_LEAVE_S", 0.05)
    never = threading.Event()

    class Reader:
        def close(self) -> None:
            never.wait()

    began = time.monotonic()
    leaving.close(cast("Consumer", Reader()))
    assert time.monotonic() - began < 5
    never.set()
