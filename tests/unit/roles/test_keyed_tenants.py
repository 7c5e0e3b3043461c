"""A tenant's webhooks come with its data key, or not yet."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from consumer.delivery.tenants import Loading
from consumer.roles.keyed_tenants import KeyedTenants
from consumer.roles.tenant_lookup import Wanted
from consumer.webhooks.reader import Loaded, Unavailable, Unchanged
from tests.deliveries import subscription

SOME, NONE = Loaded(version="1", subscriptions=(subscription(),)), Loaded(version="2", subscriptions=())
DOUBT, OWN = Unavailable(reason="a hole"), Unavailable(reason="its own", own=True)


class Keys:
    def __init__(self, *lacking: str) -> None:
        self.lacking = frozenset(lacking)
        self.asked: list[str] = []

    def ensure(self, tenants: Iterable[str], within_s: float) -> frozenset[str]:
        assert within_s < 1
        meant = [*tenants]
        self.asked += meant
        return self.lacking & {*meant}


Answer: TypeAlias = tuple[Mapping[str, Loading], list[str]]


def read(keys: Keys, *answers: Answer) -> list[Answer]:
    given = iter(answers)

    def of_cache(wanted: Wanted, most: int) -> Answer:
        del wanted, most
        return next(given)

    keyed = KeyedTenants(of_cache, keys)
    return [keyed.read({}, 500) for _ in answers]


def test_tenants_with_webhooks_get_a_key_and_no_others_do() -> None:
    keys = Keys()
    answer: Answer = {"acme": SOME, "events-only": NONE, "new": Unchanged(), "away": DOUBT, "broken": OWN}, ["large"]
    assert read(keys, answer) == [answer]
    assert keys.asked == ["acme", "broken", "large"]


def test_a_tenant_whose_key_does_not_come_is_asked_for_again_and_no_other_is() -> None:
    keys = Keys("slow", "large")
    [(found, many)] = read(keys, ({"slow": SOME, "acme": SOME}, ["large", "vast"]))
    assert found["acme"] is SOME
    assert many == ["vast"]
    for tenant in ("slow", "large"):
        doubt = found[tenant]
        assert isinstance(doubt, Unavailable)
        assert (doubt.own, doubt.away) == (False, False)
        assert doubt.reason == "its data key is not written yet"


def test_a_tenant_that_is_unchanged_is_looked_after_as_long_as_it_has_webhooks() -> None:
    keys = Keys()
    read(keys, ({"acme": SOME}, []), ({"acme": Unchanged()}, []), ({"acme": NONE}, []), ({"acme": Unchanged()}, []))
    assert keys.asked == ["acme", "acme"]
