"""The laws of the map in a commit's metadata."""

from hypothesis import example, given
from hypothesis import strategies as st

from consumer.delivery.ahead_map import Horizon
from consumer.delivery.done_map import MOST, DoneMap, decode, encode, joined, short
from consumer.delivery.order_map import Told, Tried
from tests.simulation.checker import is_full

bases = st.integers(0, 2**62)
spans = st.integers(0, 40_000)


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int, list[int]]:
    """A base that is unfinished itself, the last finished offset, and the unfinished ones, some of them above it."""
    base, span = draw(bases), draw(spans)
    inside = draw(st.lists(st.integers(1, span + 50), max_size=300, unique=True).map(sorted))
    return base, base + span, [base, *(base + each for each in inside)]


@given(windows())
def test_reading_gives_back_what_was_written(window: tuple[int, int, list[int]]) -> None:
    base, last, unfinished = window
    read = decode(encode(base, last, unfinished), base)
    assert read is not None
    open_ = set(unfinished)
    for offset in {base, last, *unfinished, *(each + 1 for each in unfinished), *(each - 1 for each in unfinished)}:
        assert read.is_done(offset) == (base <= offset <= last and offset not in open_)


@given(count=st.integers(1, 60_000), gap=st.sampled_from([1, 2, 3, 130, 20_000]), base=bases)
@example(count=1_400, gap=535, base=10**12)
def test_it_is_never_too_long_and_never_says_done_of_what_is_not(count: int, gap: int, base: int) -> None:
    unfinished = range(base, base + count * gap, gap)
    metadata = encode(base, unfinished[-1] + 1, unfinished)
    assert len(metadata) <= MOST
    read = decode(metadata, base)
    assert read is not None
    assert not any(read.is_done(offset) for offset in unfinished[:: max(1, count // 500)])


scopes = st.binary(min_size=6, max_size=6).map(bytes.hex)
tried = st.builds(Tried, st.integers(1, 50), st.just(1_800_000_000_000), st.just(1_790_000_000_000))


@given(
    window=windows(),
    most=st.integers(128, MOST),
    left=st.dictionaries(scopes, bases, max_size=60),
    heads=st.dictionaries(bases, tried, max_size=30),
    ahead=st.dictionaries(st.binary(min_size=8, max_size=8), st.integers(1, 2_000), max_size=80),
)
def test_it_keeps_to_what_a_broker_takes_and_says_all_that_is_left_or_nothing(
    window: tuple[int, int, list[int]],
    most: int,
    left: dict[str, int],
    heads: dict[int, Tried],
    ahead: dict[bytes, int],
) -> None:
    base, last, unfinished = window
    horizons = {name: Horizon(start=base, end=base + length) for name, length in ahead.items()}
    told = Told(met=base, left=left, heads=heads)
    metadata = encode(base, last, unfinished, {base: {b"12345678"}}, order=told, ahead=horizons, most=most)
    assert len(metadata) <= most
    if not metadata:
        assert 80 + 14 + 22 * len(left) > most  # the left ones alone take more
        return
    read = decode(metadata, base)
    assert read is not None
    assert read.order.left == left
    assert not any(read.is_done(offset) for offset in unfinished)
    assert read.ahead.items() <= horizons.items()


@given(
    window=windows(),
    most=st.integers(90, 400),
    left=st.dictionaries(scopes, st.integers(0, 10_000), max_size=6),
    ahead=st.dictionaries(st.binary(min_size=8, max_size=8), st.integers(1, 2_000), max_size=6),
)
@example(window=(5, 40, [5, *range(7, 40, 2)]), most=97, left={}, ahead={})
def test_it_tells_of_all_that_is_finished_but_where_it_has_no_room(
    window: tuple[int, int, list[int]], most: int, left: dict[str, int], ahead: dict[bytes, int]
) -> None:
    """The simulator takes nothing else for an excuse when a record is delivered again that a process had finished."""
    base, last, unfinished = window
    horizons = {name: Horizon(start=base, end=base + length) for name, length in ahead.items()}
    order = Told(left=left) if left else None
    metadata = encode(base, last, unfinished, {base: {b"12345678"}}, order=order, ahead=horizons, most=most)
    read = decode(metadata, base)
    if metadata and read is not None and read.last >= last:
        return
    if metadata:
        assert is_full(metadata, most)
    else:
        assert order is not None  # what is left in the log, which is told wholly or not at all
        assert 80 + len(order.pack(0)) * 4 / 3 > most - 2


@st.composite
def partly_ended(draw: st.DrawFn) -> tuple[int, int, list[int], dict[int, frozenset[bytes]]]:
    base, last, unfinished = draw(windows())
    names = st.frozensets(st.binary(min_size=8, max_size=8), min_size=1, max_size=12)
    return base, last, unfinished, draw(st.dictionaries(st.sampled_from(unfinished), names, max_size=40))


@given(partly_ended())
def test_what_ended_of_unfinished_records_is_given_back_the_lowest_first(
    window: tuple[int, int, list[int], dict[int, frozenset[bytes]]],
) -> None:
    base, last, unfinished, partly = window
    metadata = encode(base, last, unfinished, partly)
    assert len(metadata) <= MOST
    read = decode(metadata, base)
    assert read is not None
    assert set(read.partly.items()) <= set(partly.items())
    assert sorted(read.partly) == sorted(partly)[: len(read.partly)]
    if sum(8 * len(names) + 12 for names in partly.values()) <= 900 and len(metadata) < MOST - 1_500:
        assert read.partly == partly
    assert {read.is_done(offset) for offset in partly} <= {False}


def test_deliveries_that_ended_need_no_finished_record() -> None:
    name = short("0123456789abcdef" * 2)
    read = decode(encode(10, 9, [10], {10: {name}}), 10)
    assert read == DoneMap(base=10, last=9, unfinished=frozenset(), partly={10: frozenset({name})})
    assert name.hex() == "0123456789abcdef"


def test_1400_unfinished_over_750000_offsets_fit() -> None:
    unfinished = range(0, 750_000, 536)
    read = decode(encode(0, 750_000, unfinished), 0)
    assert read is not None
    assert read.last >= 750_000 - 1


@given(metadata=st.text(max_size=80), offset=st.integers(0, 2**62))
def test_what_others_wrote_is_no_map(metadata: str, offset: int) -> None:
    assert decode(metadata, offset) is None


@given(windows(), st.data())
def test_one_changed_character_makes_it_no_map(window: tuple[int, int, list[int]], data: st.DataObject) -> None:
    base, last, unfinished = window
    metadata = encode(base, last, unfinished)
    at = data.draw(st.integers(0, len(metadata) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != metadata[at]))
    assert decode(metadata[:at] + other + metadata[at + 1 :], base) is None


@given(windows(), st.integers(0, 2**62))
def test_a_map_belongs_to_its_offset(window: tuple[int, int, list[int]], offset: int) -> None:
    base, last, unfinished = window
    if offset != base:
        assert decode(encode(base, last, unfinished), offset) is None


def test_nothing_finished_above_the_base_needs_no_map() -> None:
    assert encode(10, 9, [10]) == ""
    assert decode("", 10) is None
    assert not DoneMap(base=0, last=5, unfinished=frozenset({0})).is_done(6)


small = st.integers(0, 30)


@st.composite
def maps(draw: st.DrawFn) -> tuple[int, DoneMap | None]:
    """An offset and, mostly, a map that belongs to it."""
    offset, length = draw(small), draw(small)
    if not length:
        return offset, None
    inside = draw(st.frozensets(st.integers(offset, offset + length)))
    return offset, DoneMap(base=offset, last=offset + length, unfinished=inside | {offset})


@given(maps(), maps())
def test_two_maps_joined_say_done_of_what_either_does(
    committed: tuple[int, DoneMap | None], own: tuple[int, DoneMap | None]
) -> None:
    both = joined(*committed, own[1] or DoneMap(base=own[0], last=own[0] - 1, unfinished=frozenset()))
    for offset in range(committed[0], 80):
        theirs = committed[1] is not None and committed[1].is_done(offset)
        ours = offset < own[0] or (own[1] is not None and own[1].is_done(offset))
        assert (both is not None and both.is_done(offset)) == (theirs or ours), offset
