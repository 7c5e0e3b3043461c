"""Which seeds are run when only one kind of worlds is wanted."""

from itertools import islice

from tests.simulation.run import Kind, seeds_of


def test_the_seeds_of_a_kind_are_those_of_all_that_are_of_it() -> None:
    assert list(islice(seeds_of(Kind.CAPACITY, 0), 3)) == [9, 19, 29]
    assert list(islice(seeds_of(Kind.CAPACITY, 20), 2)) == [29, 39]
    assert list(islice(seeds_of(Kind.FAULTS, 7), 4)) == [7, 8, 10, 11]
    assert list(islice(seeds_of(None, 7), 4)) == [7, 8, 9, 10]
