from pathlib import Path

from consumer.roles.blame import CONDEMNED, Blame

ORDERS = ("orders", 3)
OTHERS = ("a.much.longer.name.of.a.topic", 0)


def died_holding(path: Path, *places: tuple[tuple[str, int], int]) -> None:
    """A process that survived all places but the last."""
    blame = Blame(path)
    for partition, offset in places[:-1]:
        blame.hold(partition, offset)
        blame.let_go()
    partition, offset = places[-1]
    blame.hold(partition, offset)


def test_the_third_death_in_a_row_with_a_record_in_hand_condemns_it(tmp_path: Path) -> None:
    path = tmp_path / "marks" / "deliver-0"
    for _ in range(2):
        died_holding(path, (ORDERS, 5), (OTHERS, 9), (ORDERS, 7))
        assert Blame(path).condemned == frozenset()
    died_holding(path, (ORDERS, 7))
    assert Blame(path).condemned == {(ORDERS, 7)}


def test_deaths_at_other_moments_neither_count_nor_forgive(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    died_holding(path, (ORDERS, 7))
    died_holding(path, (ORDERS, 7))
    for _ in range(5):
        blame = Blame(path)
        blame.hold(OTHERS, 1)
        blame.let_go()  # and killed while it sends
        assert blame.condemned == frozenset()
    died_holding(path, (ORDERS, 7))
    assert Blame(path).condemned == {(ORDERS, 7)}


def test_a_record_that_was_survived_is_forgiven(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    for _ in range(2):
        died_holding(path, (ORDERS, 7))
    survivor = Blame(path)
    survivor.hold(ORDERS, 7)
    survivor.let_go()
    died_holding(path, (ORDERS, 7))
    assert Blame(path).condemned == frozenset()


def test_another_records_death_begins_the_count_anew(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    for _ in range(2):
        died_holding(path, (ORDERS, 7))
    died_holding(path, (OTHERS, 7))
    died_holding(path, (ORDERS, 7))
    assert Blame(path).condemned == frozenset()


def test_an_offset_beyond_four_bytes_and_the_longest_name_fit(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    place = (("t" * 249, 2**31 - 1), 2**62)
    for _ in range(3):
        died_holding(path, place)
    assert Blame(path).condemned == {place}


def test_of_two_beside_each_other_the_first_stays_condemned_while_the_second_kills(tmp_path: Path) -> None:
    """Found by the simulator, seed 1: each death of the second forgot the first, and nobody ever passed either."""
    path = tmp_path / "mark"
    for _ in range(3):
        died_holding(path, (ORDERS, 7))
    for _ in range(3):
        assert (ORDERS, 7) in Blame(path).condemned
        died_holding(path, (ORDERS, 8))
    assert Blame(path).condemned == {(ORDERS, 7), (ORDERS, 8)}


def test_only_the_last_condemned_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    for offset in range(CONDEMNED + 1):
        for _ in range(3):
            died_holding(path, (ORDERS, offset))
    assert Blame(path).condemned == {(ORDERS, offset) for offset in range(1, CONDEMNED + 1)}
