"""Keys made and ended by whoever holds another one."""

from collections.abc import Callable
from concurrent.futures import Future
from itertools import count

import pytest

from consumer.brands.loader import load_brands
from consumer.control.api_keys import MOST_KEYS, ApiKeys, KeysFull, KeyUnknown, MakerEnded, NotHeld
from consumer.control.key_directory import KeyDirectory
from consumer.control.keys import USUAL_SCOPES, Scope
from consumer.control.owner import Owner
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.webhooks.wrong import FieldInvalid

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
BRAND = load_brands()["hookline"]
ACME = Owner(tenant="acme", brand="hookline")
ALL = frozenset(Scope)


class State:
    """The state topic, folded at once. `before_write` runs before the next record is taken."""

    def __init__(self) -> None:
        self.directory = KeyDirectory()
        self.written: list[NewRecord] = []
        self.error: Exception | None = None
        self.before_write: Callable[[], object] = lambda: None

    def write(self, record: NewRecord) -> "Future[Place]":
        before, self.before_write = self.before_write, lambda: None
        before()
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
    return keys_on(state, most=MOST_KEYS)


def keys_on(state: State, *, most: int) -> ApiKeys:
    clock, drawn = count(NOW_MS), count(1)
    return ApiKeys(
        "state",
        directory=state.directory,
        writer=state,
        fresh=lambda: None,
        most=most,
        now_ms=lambda: next(clock),
        entropy=lambda size: next(drawn).to_bytes(size, "big"),
    )


def test_a_key_that_was_made_is_found_and_one_that_was_revoked_is_not(keys: ApiKeys, state: State) -> None:
    key, text = keys.create(ACME, BRAND, by=None, name="CI", expires_at_ms=NOW_MS + 10_000)
    assert state.directory.find(text, NOW_MS + 100) == key
    assert (key.tenant, key.brand, key.name, key.scopes) == ("acme", "hookline", "CI", USUAL_SCOPES)
    ended = keys.revoke(ACME, key.id)
    assert ended.revoked_at_ms is not None
    assert state.directory.find(text, NOW_MS + 100) is None
    assert keys.revoke(ACME, key.id) == ended
    assert len(state.written) == 2


@pytest.mark.parametrize("scope", Scope)
def test_nobody_gives_a_scope_that_he_does_not_hold(keys: ApiKeys, state: State, scope: Scope) -> None:
    maker, _ = keys.create(ACME, BRAND, by=None, scopes=ALL - {scope})
    with pytest.raises(NotHeld, match=scope):
        keys.create(ACME, BRAND, by=maker.id, scopes=ALL)
    assert len(state.written) == 1
    only, _ = keys.create(ACME, BRAND, by=None, scopes=[scope])
    assert keys.create(ACME, BRAND, by=only.id, scopes=[scope])[0].scopes == {scope}


@pytest.mark.parametrize(
    ("held", "given"),
    [
        (ALL, USUAL_SCOPES),
        ({Scope.ADMIN}, {Scope.ADMIN}),
        ({Scope.ADMIN, Scope.READ}, {Scope.READ}),
        ({Scope.ADMIN, Scope.WRITE, Scope.REPLAY}, {Scope.WRITE, Scope.REPLAY}),
    ],
)
def test_of_no_scopes_asked_for_it_has_the_usual_that_its_maker_holds_or_all_it_holds(
    keys: ApiKeys, held: set[Scope], given: set[Scope]
) -> None:
    maker, _ = keys.create(ACME, BRAND, by=None, scopes=held)
    assert keys.create(ACME, BRAND, by=maker.id)[0].scopes == given


def test_nobody_lives_longer_than_its_maker_nor_what_it_makes(keys: ApiKeys) -> None:
    end_ms = NOW_MS + DAY_MS
    maker, _ = keys.create(ACME, BRAND, by=None, scopes=ALL, expires_at_ms=end_ms)
    child, _ = keys.create(ACME, BRAND, by=maker.id, scopes=ALL)
    sooner, _ = keys.create(ACME, BRAND, by=child.id, scopes=ALL, expires_at_ms=end_ms - 1)
    last, _ = keys.create(ACME, BRAND, by=sooner.id, scopes=ALL)
    assert (child.expires_at_ms, last.expires_at_ms) == (end_ms, end_ms - 1)
    assert (maker.created_by, child.created_by, sooner.created_by) == (None, maker.id, child.id)
    with pytest.raises(FieldInvalid, match=r"expires_at: can be 2026-09-22T14:13:19\.999Z at the latest") as caught:
        keys.create(ACME, BRAND, by=last.id, scopes=ALL, expires_at_ms=end_ms)
    assert caught.value.field == "expires_at"


def test_what_a_revoked_key_made_goes_on_unless_they_are_to_end_with_it(keys: ApiKeys) -> None:
    maker, _ = keys.create(ACME, BRAND, by=None, scopes=ALL)
    child, _ = keys.create(ACME, BRAND, by=maker.id, scopes=ALL)
    grandchild, _ = keys.create(ACME, BRAND, by=child.id, scopes=ALL)
    other, _ = keys.create(ACME, BRAND, by=None, scopes=ALL)
    keys.revoke(ACME, maker.id)
    assert holding(keys) == {child.id, grandchild.id, other.id}
    keys.revoke(ACME, maker.id, with_descendants=True)
    assert holding(keys) == {other.id}
    with pytest.raises(MakerEnded):
        keys.create(ACME, BRAND, by=child.id, scopes=ALL)


def test_a_key_that_ends_while_it_makes_one_has_made_none(keys: ApiKeys, state: State) -> None:
    """Whoever revoked it has looked for what it made before that was there."""
    maker, _ = keys.create(ACME, BRAND, by=None, scopes=ALL)
    state.before_write = lambda: keys.revoke(ACME, maker.id, with_descendants=True)
    with pytest.raises(MakerEnded):
        keys.create(ACME, BRAND, by=maker.id, scopes=ALL)
    assert holding(keys) == set()


def test_an_ended_key_is_not_forgotten_before_those_that_it_made(state: State) -> None:
    keys = keys_on(state, most=3)
    maker, _ = keys.create(ACME, BRAND, by=None, scopes=ALL)
    child, _ = keys.create(ACME, BRAND, by=maker.id, scopes=ALL)
    leaf, _ = keys.create(ACME, BRAND, by=child.id, scopes=ALL)
    keys.revoke(ACME, child.id)
    with pytest.raises(KeysFull):
        keys.create(ACME, BRAND, by=None, scopes=ALL)
    keys.revoke(ACME, leaf.id)
    keys.create(ACME, BRAND, by=None, scopes=ALL)
    assert state.directory.get(leaf.id) is None
    assert state.directory.get(child.id) is not None


def holding(keys: ApiKeys) -> set[str]:
    found, _ = keys.page(ACME, after=None, limit=100)
    return {key.id for key in found if key.revoked_at_ms is None}


def test_another_owners_key_does_not_exist(keys: ApiKeys) -> None:
    key, _ = keys.create(ACME, BRAND, by=None, scopes=ALL)
    for stranger in (Owner(tenant="other", brand="hookline"), Owner(tenant="acme", brand="convo")):
        with pytest.raises(KeyUnknown):
            keys.revoke(stranger, key.id)
        assert keys.page(stranger, after=None, limit=10) == ([], None)
    with pytest.raises(KeyUnknown):
        keys.revoke(ACME, "0" * 16)


def test_pages_show_every_key_once_in_order(keys: ApiKeys) -> None:
    made = [keys.create(ACME, BRAND, by=None, scopes=ALL)[0] for _ in range(5)]
    first, after = keys.page(ACME, after=None, limit=2)
    second, then = keys.page(ACME, after=after, limit=2)
    third, end = keys.page(ACME, after=then, limit=2)
    assert [*first, *second, *third] == made
    assert end is None
    assert keys.page(ACME, after=None, limit=5) == (made, None)


def test_there_is_an_end_to_keys_and_ended_ones_make_room(keys: ApiKeys, state: State) -> None:
    made = [keys.create(ACME, BRAND, by=None, scopes=ALL)[0] for _ in range(MOST_KEYS)]
    with pytest.raises(KeysFull):
        keys.create(ACME, BRAND, by=None, scopes=ALL)
    keys.revoke(ACME, made[7].id)
    new, _ = keys.create(ACME, BRAND, by=None, scopes=ALL)
    assert state.directory.get(made[7].id) is None
    assert len(state.directory.listed()) == MOST_KEYS
    assert state.directory.get(new.id) == new
    keys.create(Owner(tenant="other", brand="hookline"), BRAND, by=None, scopes=ALL)


def test_a_topic_that_does_not_take_it_is_told_of(keys: ApiKeys, state: State) -> None:
    state.error = KafkaBroken("away")
    with pytest.raises(KafkaBroken, match="away"):
        keys.create(ACME, BRAND, by=None, scopes=ALL)
