"""Look-ups for people: each waits for its own name, and a tenant has its share of the questions."""

import threading
import time
from collections.abc import Callable

import pytest

from consumer.control.resolve import AT_ONCE, OF_A_TENANT, Lookups, resolve
from consumer.delivery.names import Addresses, NoAddress, Resolution, Unanswered
from consumer.http.resolver import Resolver
from consumer.shares import Busy

FOUND = Addresses(("192.0.2.1",), 60)


class Asked(Resolver):
    """Name servers that say what the test says, when it says so; at once of names that are not silent."""

    def __init__(self) -> None:
        self.silent: list[Callable[[Resolution], None]] = []

    def ask(self, host: str, told: Callable[[Resolution], None]) -> None:
        if host.startswith("silent"):
            self.silent.append(told)
        else:
            told(NoAddress() if host.startswith("nobody") else FOUND)

    def close(self) -> None:
        """There is nothing to close."""


def test_what_name_servers_say_is_handed_on() -> None:
    lookups = Lookups(Asked())
    assert lookups.resolve("acme", "a.example") == FOUND
    assert lookups.resolve("acme", "nobody.example") == NoAddress()


def test_the_hosts_file_is_the_system_s_answer_too() -> None:
    found = resolve("acme", "localhost")
    assert isinstance(found, Addresses)
    assert set(found.addresses) <= {"127.0.0.1", "::1"}


def test_an_answer_that_comes_in_time_is_waited_for() -> None:
    asked = Asked()
    threading.Timer(0.1, lambda: asked.silent[0](FOUND)).start()
    assert Lookups(asked).resolve("acme", "silent.example", limit_s=5) == FOUND


def test_silence_is_not_waited_for_and_a_tenant_has_its_share_of_the_questions() -> None:
    asked = Asked()
    lookups = Lookups(asked)
    before = time.monotonic()
    assert lookups.resolve("acme", "silent.example", limit_s=0.2) == Unanswered()
    assert 0.19 < time.monotonic() - before < 4
    for _ in range(1, OF_A_TENANT):
        assert lookups.resolve("acme", "silent.example", limit_s=0.001) == Unanswered()
    for _ in range(20):
        with pytest.raises(Busy, match="of this tenant"):
            lookups.resolve("acme", "a.example", limit_s=0.001)
        assert lookups.resolve("other", "a.example") == FOUND
    for number in range(OF_A_TENANT, AT_ONCE):
        assert lookups.resolve(f"tenant{number}", "silent.example", limit_s=0.001) == Unanswered()
    with pytest.raises(Busy) as full:
        lookups.resolve("other", "a.example", limit_s=0.001)
    assert not full.value.own
    for told in asked.silent:
        told(Unanswered())
    assert lookups.resolve("acme", "a.example") == FOUND
