"""The directory against the rule of versions: any history, in any interleaving of its partitions."""

import random

from hypothesis import given
from hypothesis import strategies as st

from consumer.control.directory import Directory
from consumer.control.order import Order, Position
from consumer.control.owner import Owner
from consumer.events.event import Record
from consumer.kafka.topic_writer import Place
from consumer.webhooks.history import Applied, Deletion, Lost, State, apply, written_again
from consumer.webhooks.record import state_of
from consumer.webhooks.subscription import Subscription
from tests.webhook_samples import changed, record, subscription

PARTITIONS = 3
OWNERS = [Owner(tenant=tenant, brand=brand) for tenant in ("acme", "other") for brand in ("hookline", "convo")]

# Which webhook, and what a writer does that saw it at its creation, lately, or as it is now.
moves = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(("create", "change", "late", "delete", "late delete", "winner", "move", "repeat")),
    ),
    max_size=60,
)


def history(steps: list[tuple[int, str]]) -> list[Record]:
    """Records of six webhooks, in the order in which they were written; partition and offset as a topic has them."""
    log: dict[str, list[State]] = {}
    folded: dict[str, State] = {}
    offsets = [0] * PARTITIONS
    records: list[Record] = []
    for number, (which, move) in enumerate(steps):
        id_ = f"wh_{which}"
        first = subscription(id_, OWNERS[which % 4].tenant, brand=OWNERS[which % 4].brand, created_at_ms=which // 2)
        past = log.setdefault(id_, [])
        last = folded.get(id_)
        seen = last if isinstance(last, Subscription) else first
        written: State = first
        match move:
            case "change":
                written = changed(seen, name=f"n{number}")
            case "late":
                written = changed(first, name=f"n{number}")
            case "delete":
                written = Deletion.of(seen)
            case "late delete":
                written = Deletion.of(first)
            case "winner" if last is not None:
                written = written_again(last)
            case "move":
                written = changed(seen, tenant="other", created_at_ms=number)
            case "repeat" if past:
                written = past[-1]
        past.append(written)
        result = apply(last, written)
        if isinstance(result, Applied):
            folded[id_] = result.state
        partition = which % PARTITIONS
        records.append(record(written, offsets[partition], partition))
        offsets[partition] += 1
    return records


def interleaved(records: list[Record], seed: int) -> list[Record]:
    """Each partition in its order, and they in any."""
    queues = [[each for each in records if each.partition == partition] for partition in range(PARTITIONS)]
    chance = random.Random(seed)
    found: list[Record] = []
    while any(queues):
        found.append(chance.choice([queue for queue in queues if queue]).pop(0))
    return found


def every(directory: Directory, owner: Owner, limit: int) -> list[Subscription]:
    found: list[Subscription] = []
    after: Position | None = None
    while True:
        page, after = directory.page(owner, after=after, limit=limit)
        found += page
        if after is None:
            return found


@given(moves, st.integers(), st.integers(1, 4))
def test_any_interleaving_gives_what_the_rule_of_versions_gives(
    steps: list[tuple[int, str]], seed: int, limit: int
) -> None:
    records = history(steps)
    states: dict[str, State] = {}
    lost: set[Place] = set()
    for each in records:
        incoming = state_of(each.key, each.value, each.headers)
        result = apply(states.get(incoming.id), incoming)
        if isinstance(result, Lost):
            lost.add(Place(partition=each.partition, offset=each.offset))
        else:
            states[incoming.id] = result.state
    directory = Directory()
    for each in interleaved(records, seed):
        directory.apply(each)
    live = [state for state in states.values() if isinstance(state, Subscription)]
    for owner in OWNERS:
        mine = [each for each in live if Owner(tenant=each.tenant, brand=each.brand) == owner]
        assert every(directory, owner, limit) == sorted(mine, key=lambda each: (each.created_at_ms, each.id))
        for webhook in live:
            assert directory.get(owner, webhook.id) == (webhook if webhook in mine else None)
    for tenant in ("acme", "other"):
        assert directory.count(tenant) == sum(each.tenant == tenant for each in live)
    for each in records:
        place = Place(partition=each.partition, offset=each.offset)
        assert directory.held(place) == (place not in lost)


positions = st.tuples(st.integers(0, 9), st.sampled_from("abc"))


@given(st.lists(st.tuples(st.sampled_from(("toggle", "page")), positions), max_size=120), st.integers(1, 4))
def test_the_order_is_a_sorted_set(steps: list[tuple[str, Position]], limit: int) -> None:
    order, model = Order(), set[Position]()
    for move, position in steps:
        if move == "page":
            behind = sorted(each for each in model if each > position)
            assert order.after(position, limit) == (behind[:limit], len(behind) > limit)
        elif position in model:
            order.remove(position)
            model.remove(position)
        else:
            order.add(position)
            model.add(position)
        assert len(order) == len(model)
    assert order.after(None, 1_000) == (sorted(model), False)


def test_many_positions_at_once_are_sorted_like_few() -> None:
    made = [(n * 7919 % 10_007, f"wh_{n}") for n in range(10_000)]
    order = Order()
    for position in made:
        order.add(position)
    order.remove(made[5_000])
    assert order.after(None, 20_000) == (sorted(set(made) - {made[5_000]}), False)
