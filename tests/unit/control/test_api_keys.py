"""Keys made and ended by whoever holds another one."""

from concurrent.futures import Future
from itertools import count

import pytest

from consumer.brands.loader import load_brands
from consumer.control.api_keys import MOST_KEYS, ApiKeys, KeysFull, KeyUnknown, NotHeld
from consumer.control.key_directory import KeyDirectory
from consumer.control.keys import USUAL_SCOPES, Scope
from consumer.control.owner import Owner
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord

NOW_MS = 1_790_000_000_000
BRAND = load_brands()["hookline"]
ACME = Owner(tenant="acme", brand="hookline")
ALL = frozenset(Scope)


class State:
    """The state topic, folded at once."""

    def __init__(self) -> None:
        self.directory = KeyDirectory()
        self.written: list[NewRecord] = []
        self.error: Exception | None = None

    def write(self, record: NewRecord) -> "Future[Place]":
        future: Future[Place] = Future()
        if self.error is not None:
            future.set_exception(self.error)
            return future
        self.written.append(record)
        self.directory.apply(
            Record(
                topic=record.topic,
                partition=0,
                offset=0,
                timestamp_ms=0,
                key=record.key,
                value=record.value,
                headers=(),
            )
        )
        future.set_result(Place(partition=0, offset=len(self.written) - 1))
        return future


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def keys(state: State) -> ApiKeys:
    clock, drawn = count(NOW_MS), count(1)
    return ApiKeys(
        "state",
        directory=state.directory,
        writer=state,
        now_ms=lambda: next(clock),
        entropy=lambda size: next(drawn).to_bytes(size, "big"),
    )


def test_a_key_that_was_made_is_found_and_one_that_was_revoked_is_not(keys: ApiKeys, state: State) -> None:
    key, text = keys.create(ACME, BRAND, held=ALL, scopes=USUAL_SCOPES, name="CI", expires_at_ms=NOW_MS + 10_000)
    assert state.directory.find(text, NOW_MS + 100) == key
    assert (key.tenant, key.brand, key.name, key.scopes) == ("acme", "hookline", "CI", USUAL_SCOPES)
    ended = keys.revoke(ACME, key.id)
    assert ended.revoked_at_ms is not None
    assert state.directory.find(text, NOW_MS + 100) is None
    assert keys.revoke(ACME, key.id) == ended
    assert len(state.written) == 2


@pytest.mark.parametrize("scope", Scope)
def test_nobody_gives_a_scope_that_he_does_not_hold(keys: ApiKeys, state: State, scope: Scope) -> None:
    with pytest.raises(NotHeld, match=scope):
        keys.create(ACME, BRAND, held=ALL - {scope}, scopes=ALL)
    assert state.written == []
    keys.create(ACME, BRAND, held=frozenset({scope}), scopes=[scope])


def test_another_owners_key_does_not_exist(keys: ApiKeys) -> None:
    key, _ = keys.create(ACME, BRAND, held=ALL, scopes=ALL)
    for stranger in (Owner(tenant="other", brand="hookline"), Owner(tenant="acme", brand="convo")):
        with pytest.raises(KeyUnknown):
            keys.revoke(stranger, key.id)
        assert keys.page(stranger, after=None, limit=10) == ([], None)
    with pytest.raises(KeyUnknown):
        keys.revoke(ACME, "0" * 16)


def test_pages_show_every_key_once_in_order(keys: ApiKeys) -> None:
    made = [keys.create(ACME, BRAND, held=ALL, scopes=ALL)[0] for _ in range(5)]
    first, after = keys.page(ACME, after=None, limit=2)
    second, then = keys.page(ACME, after=after, limit=2)
    third, end = keys.page(ACME, after=then, limit=2)
    assert [*first, *second, *third] == made
    assert end is None
    assert keys.page(ACME, after=None, limit=5) == (made, None)


def test_there_is_an_end_to_keys_and_ended_ones_make_room(keys: ApiKeys, state: State) -> None:
    made = [keys.create(ACME, BRAND, held=ALL, scopes=ALL)[0] for _ in range(MOST_KEYS)]
    with pytest.raises(KeysFull):
        keys.create(ACME, BRAND, held=ALL, scopes=ALL)
    keys.revoke(ACME, made[7].id)
    new, _ = keys.create(ACME, BRAND, held=ALL, scopes=ALL)
    assert state.directory.get(made[7].id) is None
    assert len(state.directory.listed()) == MOST_KEYS
    assert state.directory.get(new.id) == new
    keys.create(Owner(tenant="other", brand="hookline"), BRAND, held=ALL, scopes=ALL)


def test_a_topic_that_does_not_take_it_is_told_of(keys: ApiKeys, state: State) -> None:
    state.error = KafkaBroken("away")
    with pytest.raises(KafkaBroken, match="away"):
        keys.create(ACME, BRAND, held=ALL, scopes=ALL)
