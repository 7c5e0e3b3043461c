"""The laws of records that are taken in before their turn, against a model that remembers everything."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.delivery import done_map
from consumer.delivery.ahead_map import AHEAD_MOST, Horizon, joined, named, pack, unpack
from consumer.delivery.offsets import Position, Window

PLACE = ("retry.15h", 0)
KEYS = (b"wh_1", b"wh_2", b"wh_3")

bases = st.integers(0, 2**62)


@st.composite
def horizons(draw: st.DrawFn, base: int = 0, most: int = 10_000) -> Horizon:
    start = draw(st.integers(base, base + most))
    end = draw(st.integers(start + 1, start + most))
    return Horizon(start=start, end=end, unfinished=draw(st.frozensets(st.integers(start, end - 1), max_size=20)))


@given(bases.flatmap(lambda base: st.tuples(st.just(base), st.lists(horizons(base), max_size=20))))
def test_reading_gives_back_what_was_written_the_first_first(given_: tuple[int, list[Horizon]]) -> None:
    base, each = given_
    ahead = {named(b"%d" % number): horizon for number, horizon in enumerate(each)}
    packed = pack(base, ahead)
    assert len(packed) <= AHEAD_MOST
    read = unpack(base, bytes(packed))
    assert list(read.items()) == list(ahead.items())[: len(read)]
    if len(each) <= 12:
        assert len(read) == len(each)
    text = done_map.encode(base, base + 3, [base], ahead=ahead)
    whole = done_map.decode(text, base)
    assert whole is not None
    assert whole.ahead == read


@given(horizons(), st.integers(0, 25_000))
def test_what_lies_below_the_base_is_not_told(horizon: Horizon, base: int) -> None:
    read = unpack(base, bytes(pack(base, {named(b"wh"): horizon})))
    for offset in range(base, 25_000, 97):
        told = named(b"wh") in read and read[named(b"wh")].is_done(offset)
        assert told == horizon.is_done(offset)


small = horizons(0, 12)


@given(small, small)
def test_two_joined_say_no_more_than_either_and_all_where_they_touch(one: Horizon, other: Horizon) -> None:
    both = joined({b"name": one}, {b"name": other})[b"name"]
    touch = one.start <= other.end and other.start <= one.end
    for offset in range(30):
        either = one.is_done(offset) or other.is_done(offset)
        assert both.is_done(offset) == either if touch else both.is_done(offset) <= either


@given(count=st.integers(1, 400))
@example(count=400)
def test_many_webhooks_ahead_leave_room_for_the_rest_of_the_map(count: int) -> None:
    ahead = {
        named(b"%d" % number): Horizon(start=10, end=700_000, unfinished=frozenset({20, 700}))
        for number in range(count)
    }
    unfinished = range(0, 750_000, 700)
    text = done_map.encode(0, 750_000, unfinished, ahead=ahead)
    assert len(text) <= done_map.MOST
    read = done_map.decode(text, 0)
    assert read is not None
    assert len(read.ahead) >= min(count, 50)
    assert not any(read.is_done(offset) for offset in unfinished)


def test_where_the_turn_has_passed_what_was_ahead_the_map_tells_it_and_a_new_one_begins() -> None:
    window = Window(PLACE)
    for offset in range(2):
        window.begin(offset, b"other")
    for offset in (2, 3, 4):
        assert window.begin_ahead(b"wh", 2, offset, goes=True)
    window.finish(2)
    window.finish(4)
    for offset in range(2, 8):
        window.begin(offset, b"wh" if offset < 5 else b"other")
    assert window.read_on_at(b"wh") == 8
    assert window.begin_ahead(b"wh", 8, 9, goes=True)
    window.finish(9)
    position = window.look()
    assert position is not None
    read = done_map.decode(position.metadata, 0)
    assert read is not None
    told = {offset for offset in range(12) if read.is_done(offset) or read.ahead[named(b"wh")].is_done(offset)}
    assert told == {2, 4, 8, 9}  # of the webhook there is none at 8
    window.finish(3)
    assert window.has_ended(3)


def test_an_answer_from_behind_a_gap_is_not_believed() -> None:
    window = Window(PLACE)
    window.begin(0, b"other")
    assert not window.begin_ahead(b"wh", 5, 6, goes=True)
    window.passed_ahead(b"wh", 5, 9)
    assert window.read_on_at(b"wh") == 1
    assert window.begin_ahead(b"wh", 1, 6, goes=True)
    assert not window.begin_ahead(b"wh", 8, 9, goes=True)


mostly = st.sampled_from([True, True, True, False])


class Ahead(RuleBasedStateMachine):
    """One partition, read in its order and ahead, committed, lost and found again."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[bytes | None] = []
        self.window = Window(PLACE)
        self.window.begin(-1)  # a window that is full has been read from
        self.window.finish(-1)
        self.under_way: set[int] = set()
        self.left: set[int] = set()
        self.finished: set[int] = set()
        self.committed = Position(0)
        self.safe: set[int] = set()  # finished as of the last commit

    def _begun(self, offset: int) -> None:
        assert offset not in self.under_way
        assert offset not in self.finished
        self.under_way.add(offset)

    @rule(keys=st.lists(st.sampled_from([*KEYS, None]), min_size=1, max_size=8))
    def append(self, keys: list[bytes | None]) -> None:
        self.log += keys

    @rule(number=st.integers(1, 6))
    def read(self, number: int) -> None:
        for offset in range(self.window.next, min(len(self.log), self.window.next + number)):
            is_new = self.window.begin(offset, self.log[offset])
            assert is_new == (offset not in self.under_way and offset not in self.finished)
            if is_new:
                self._begun(offset)

    @rule(key=st.sampled_from(KEYS), number=st.integers(1, 4), late=st.booleans(), goes=mostly)
    def read_ahead(self, key: bytes, number: int, late: bool, goes: bool) -> None:
        begins = self.window.read_on_at(key)
        mine = [offset for offset in range(begins, len(self.log)) if self.log[offset] == key]
        if late:  # others read on before the answer came
            self.read(3)
        for offset in mine[:number]:
            if self.window.begin_ahead(key, begins, offset, goes=goes):
                self._begun(offset)
            elif goes and not late:
                assert offset in self.finished
            elif offset not in self.under_way and offset not in self.finished:
                self.left.add(offset)
        if len(mine) <= number:
            self.window.passed_ahead(key, begins, len(self.log))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        for offset in data.draw(st.lists(st.sampled_from(sorted(self.under_way)), unique=True, min_size=1)):
            self.window.finish(offset)
            self.under_way.discard(offset)
            self.finished.add(offset)

    @rule()
    def commit(self) -> None:
        position = self.window.look()
        if position is not None:
            self.committed = position
            self.safe = set(self.finished)

    @rule()
    def crash(self) -> None:
        self._again(done_map.decode(self.committed.metadata, self.committed.offset), self.safe)

    @rule()
    def lose(self) -> None:
        done = self.window.done()
        assert done is not None
        committed = done_map.decode(self.committed.metadata, self.committed.offset)
        known = done_map.joined(self.committed.offset, committed, done)
        self.window.closed = True
        told = {offset for offset in self.finished if self._is_told(known, offset)}
        self._again(known, self.safe | told)

    def _is_told(self, known: done_map.DoneMap | None, offset: int) -> bool:
        key = self.log[offset]
        if offset < self.committed.offset:
            return True
        ahead = None if known is None or key is None else known.ahead.get(named(key))
        return known is not None and (known.is_done(offset) or (ahead is not None and ahead.is_done(offset)))

    def _again(self, done: done_map.DoneMap | None, safe: set[int]) -> None:
        self.window = Window(PLACE, done)
        self.window.passed(self.committed.offset)
        self.under_way, self.finished = set(), set(safe)

    @invariant()
    def nothing_unfinished_is_passed(self) -> None:
        position = self.window.look()
        if position is not None:
            unfinished = set(range(len(self.log))) - self.finished
            assert position.offset <= min(unfinished, default=len(self.log))

    def teardown(self) -> None:
        """Whatever was left, taken or lost: read on to the end, each of the others is begun once."""
        self.read(len(self.log) + 1)
        assert self.under_way | self.finished == set(range(len(self.log)))


TestAhead = Ahead.TestCase
TestAhead.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
