"""The rule of versions, under any interleaving of writers, the projection's answers and compaction."""

from dataclasses import dataclass, field, replace

from hypothesis import example, given
from hypothesis import strategies as st

from consumer.webhooks.history import Applied, Deletion, Lost, Repeated, State, apply, written_again
from consumer.webhooks.subscription import Subscription
from tests.webhook_samples import subscription


def fold(log: list[State], current: State | None = None) -> State | None:
    for incoming in log:
        result = apply(current, incoming)
        if isinstance(result, Applied):
            current = result.state
    return current


def content(state: State | None) -> tuple[int, str] | None:
    """What a customer sees: nothing of a deleted webhook."""
    return (state.revision, state.name) if isinstance(state, Subscription) else None


@dataclass
class Topic:
    """A compacted topic of one key with its projection, which reads up to `read` and answers losses behind it."""

    log: list[State] = field(default_factory=list)
    read: int = 0
    state: State | None = None
    owed: State | None = None
    winners: dict[int, list[str]] = field(default_factory=dict)

    def project(self, most: int) -> None:
        for incoming in self.log[self.read : self.read + most]:
            match apply(self.state, incoming):
                case Lost(winner=winner):
                    self.owed = winner
                case Applied(state=state):
                    if isinstance(state, Subscription) and state.revision == state.changes + 1:
                        self.winners.setdefault(state.revision, []).append(state.name)
                    self.state, self.owed = state, None
                case Repeated():
                    pass
        self.read = min(len(self.log), self.read + most)

    def answer(self) -> None:
        if self.owed is not None:
            self.log.append(written_again(self.owed))
            self.owed = None

    def settle(self) -> None:
        while self.read < len(self.log) or self.owed is not None:
            self.project(1_000)
            self.answer()


moves = st.lists(
    st.one_of(
        st.tuples(st.just("view"), st.integers(0, 2)),
        st.tuples(st.just("write"), st.integers(0, 2)),
        st.tuples(st.just("project"), st.integers(1, 3)),
        st.tuples(st.just("answer"), st.just(0)),
        st.tuples(st.just("delete"), st.integers(0, 2)),
    ),
    max_size=40,
)


def played(steps: list[tuple[str, int]], *, deletions: bool = True) -> Topic:
    """Three writers, each of which writes from what it last saw of the projection, however old."""
    first = subscription(name="first")
    topic = Topic(log=[first])
    topic.project(1)
    views = [first, first, first]
    for number, (move, operand) in enumerate(steps):
        match move:
            case "view" if isinstance(topic.state, Subscription):
                views[operand] = topic.state
            case "write":
                seen = views[operand]
                topic.log.append(replace(seen, changes=seen.revision, revision=seen.revision + 1, name=f"n{number}"))
            case "delete" if deletions:
                topic.log.append(Deletion.of(views[operand]))
            case "project":
                topic.project(operand)
            case "answer":
                topic.answer()
    topic.settle()
    return topic


@given(moves)
def test_at_most_one_write_of_a_revision_holds(steps: list[tuple[str, int]]) -> None:
    topic = played(steps)
    assert all(len(set(names)) == 1 for names in topic.winners.values())


@given(moves)
def test_without_deletions_the_first_write_of_each_revision_holds(steps: list[tuple[str, int]]) -> None:
    topic = played(steps, deletions=False)
    for revision, names in topic.winners.items():
        firsts = [
            each.name
            for each in topic.log
            if isinstance(each, Subscription) and each.revision == revision == each.changes + 1
        ]
        assert names[0] == firsts[0]


@given(moves, st.integers(0, 80), st.booleans())
@example([("delete", 0), ("write", 0), ("delete", 0)], 3, False)  # the same deletion again is not the winner again
def test_compaction_up_to_anywhere_changes_nothing(steps: list[tuple[str, int]], at: int, expires: bool) -> None:
    topic = played(steps)
    cut = min(at, len(topic.log))
    cleaned = topic.log[:cut][-1:]
    if expires and cut == len(topic.log) and isinstance(topic.log[-1], Deletion):
        cleaned = []
    assert content(fold(cleaned + topic.log[cut:])) == content(topic.state) == content(fold(topic.log))


@given(moves)
def test_a_batch_taken_twice_changes_nothing(steps: list[tuple[str, int]]) -> None:
    log = played(steps).log
    once = fold(log)
    assert once is not None
    assert content(fold(log, once)) == content(once)
