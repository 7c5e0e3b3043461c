"""The projection on a real Redis against the rule of versions: any history in any batches, whatever happens between."""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from consumer.webhooks.bucket import bucket_of
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.history import Applied, Deletion, State, apply, written_again
from consumer.webhooks.projection import Projection
from consumer.webhooks.reader import Loaded
from consumer.webhooks.record import state_of
from consumer.webhooks.subscription import Subscription
from tests.projection_bench import KEYS, PREFIX, Bench, LosesAnswers
from tests.webhook_samples import changed, record, subscription

TENANTS = ("acme", "umbrella")
BUCKETS = {bucket_of(tenant) for tenant in TENANTS}

# Which webhook, and what a writer does that saw it at its creation, or as it is now.
moves = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(("create", "change", "late", "delete", "late delete", "winner", "repeat")),
    ),
    min_size=1,
    max_size=30,
)
# How many records a batch has, and what happens before it.
batches = st.lists(
    st.tuples(
        st.integers(1, 12), st.sampled_from(("", "", "", "answers lost", "emptied", "in part", "beat", "another"))
    ),
    min_size=1,
    max_size=8,
)


def history(steps: list[tuple[int, str]]) -> list[State]:
    past: dict[str, list[State]] = defaultdict(list)
    folded: dict[str, State] = {}
    log: list[State] = []
    for number, (which, move) in enumerate(steps):
        id_ = f"wh_{which}"
        first = subscription(id_, TENANTS[which % 2])
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
            case "repeat" if past[id_]:
                written = past[id_][-1]
        past[id_].append(written)
        result = apply(last, written)
        if isinstance(result, Applied):
            folded[id_] = result.state
        log.append(written)
    return log


def content(states: list[State]) -> dict[str, tuple[int, str]]:
    """What a customer sees of each webhook after these."""
    folded: dict[str, State] = {}
    for incoming in states:
        result = apply(folded.get(incoming.id), incoming)
        if isinstance(result, Applied):
            folded[incoming.id] = result.state
    return {id_: (state.revision, state.name) for id_, state in folded.items() if isinstance(state, Subscription)}


def happens(bench: Bench, what: str) -> None:
    match what:
        case "emptied":
            bench.redis.flushdb()
        case "in part":
            bench.redis.delete(*(KEYS.tenant(bucket_of(tenant), tenant) for tenant in TENANTS))
            bench.projection.rebuild(frozenset(BUCKETS), [len(bench.log)])  # as the reader's report has it rebuilt
        case "beat":
            bench.projection.heartbeat()
        case "another":
            bench.projection = Projection(bench.redis, topic_prefix=PREFIX, new_token=lambda: secrets.token_hex(8))
            bench.projection.start([len(bench.log)])


def catch_up(bench: Bench, most: int, *, answers_lost: bool) -> None:
    """One batch from where the projection is."""
    at = bench.projection.positions[0]
    taken = [record(state, offset) for offset, state in enumerate(bench.log)][at : at + most]
    if answers_lost:
        assert isinstance(bench.redis, LosesAnswers)
        bench.redis.losing = True
        for _ in range(2):
            with suppress(CacheUnavailable):  # a batch of nothing asks nothing
                bench.projection.apply(taken, {0: at + len(taken)})
        bench.redis.losing = False
    step = bench.projection.apply(taken, {0: at + len(taken)})
    assert step.refused == ()
    for rewrite in step.rewrites:
        bench.log.append(state_of(rewrite.key, rewrite.value, rewrite.headers))


@pytest.fixture
def losing_bench(redis_url: str) -> Iterator[Bench]:
    """A projection has begun, and answers can be lost."""
    made = Bench(redis_url, LosesAnswers)
    made.start()
    yield made
    made.redis.close()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves, batches)
@example([(0, "create"), (0, "delete"), (0, "create")], [(1, "")])  # a deletion is known where nothing else is
@example([(0, "create"), (2, "create"), (0, "change")], [(2, "")])  # a batch of one who is there and one who is not
@example([(0, "create"), (0, "change"), (0, "late")], [(9, ""), (9, "another")])  # a winner that is owed
def test_the_cache_is_the_fold_of_the_topic(
    losing_bench: Bench, steps: list[tuple[int, str]], faults: list[tuple[int, str]]
) -> None:
    bench = losing_bench
    bench.log = history(steps)
    bench.projection.rebuild(frozenset(BUCKETS), [len(bench.log)])
    for most, what in faults:
        happens(bench, what)
        catch_up(bench, most, answers_lost=what == "answers lost")
    for most, _ in cycle(faults):
        broken = bench.projection.heartbeat()
        bench.projection.rebuild(broken, [len(bench.log)])
        if bench.projection.ready and bench.projection.positions[0] >= len(bench.log):
            break
        catch_up(bench, most, answers_lost=False)
    wanted = content(bench.log)
    found: dict[str, tuple[int, str]] = {}
    for tenant, reading in bench.new_reader().read(dict.fromkeys(TENANTS)).items():
        assert isinstance(reading, Loaded), reading
        assert {each.tenant for each in reading.subscriptions} <= {tenant}
        found |= {each.id: (each.revision, each.name) for each in reading.subscriptions}
    assert found == wanted
    # Compaction leaves the last record of each, which says the same.
    last = {state.id: state for state in bench.log}
    assert content(list(last.values())) == wanted
