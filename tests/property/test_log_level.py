"""The laws of the level: who pays when the index is larger than its memory."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.log.index import Kind, Name
from consumer.log.level import PLAIN_LEAST, Size, cuts

ENTRIES, ENTRY_BYTES = st.integers(1, 5_000), st.integers(33, 300)
SIZES = st.builds(lambda entries, each: Size(entries=entries, packed_bytes=entries * each), ENTRIES, ENTRY_BYTES)
NAMES = st.builds(Name, st.integers(0, 40).map("wh_{}".format), st.sampled_from(Kind))


def _left(sizes: dict[Name, Size], over: dict[Name, int]) -> int:
    return sum(size.within(over.get(name, size.entries)) for name, size in sizes.items())


@given(st.dictionaries(NAMES, SIZES, min_size=1, max_size=60), st.integers(0, 3_000_000))
def test_what_is_left_fits_where_the_least_does_and_quiet_lists_keep_all(sizes: dict[Name, Size], room: int) -> None:
    over = cuts(sizes, room)
    least = {name: PLAIN_LEAST if name.kind is Kind.PLAIN else 1 for name in sizes}
    if _left(sizes, least) <= room:
        assert _left(sizes, over) <= room
    for kind in Kind:
        levels = {number for name, number in over.items() if name.kind is kind}
        assert len(levels) <= 1  # one level for all of a kind
        for level in levels:
            assert level >= (PLAIN_LEAST if kind is Kind.PLAIN else 1)
            for name, size in sizes.items():
                if name.kind is kind:
                    assert (name in over) == (size.entries > level)


@given(st.dictionaries(NAMES, SIZES, min_size=1, max_size=60), st.integers(0, 3_000_000))
def test_eventful_lists_pay_only_when_the_plain_ones_keep_their_least(sizes: dict[Name, Size], room: int) -> None:
    over = cuts(sizes, room)
    if any(name.kind is Kind.EVENTFUL for name in over):
        plain = {name: size for name, size in sizes.items() if name.kind is Kind.PLAIN and size.entries > PLAIN_LEAST}
        assert all(over[name] == PLAIN_LEAST for name in plain)


@given(st.dictionaries(NAMES, SIZES, min_size=1, max_size=60))
def test_nothing_is_cut_that_fits(sizes: dict[Name, Size]) -> None:
    assert cuts(sizes, sum(size.bytes for size in sizes.values())) == {}


@given(st.dictionaries(NAMES, SIZES, min_size=1, max_size=60), st.integers(0, 3_000_000))
def test_no_higher_level_of_the_plain_lists_would_fit(sizes: dict[Name, Size], room: int) -> None:
    over = cuts(sizes, room)
    levels = {number for name, number in over.items() if name.kind is Kind.PLAIN}
    if levels and not any(name.kind is Kind.EVENTFUL for name in over):
        higher = {name: max(levels) + 1 for name, size in sizes.items() if name.kind is Kind.PLAIN}
        if max(levels) > PLAIN_LEAST:
            assert sum(size.within(higher.get(name, size.entries)) for name, size in sizes.items()) > room
