from pathlib import Path

from consumer.roles.blame import CONDEMNED, SUSPECTS, Blame

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


def test_a_record_is_forgiven_when_it_has_ended_and_not_when_it_was_survived(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    for _ in range(2):
        died_holding(path, (ORDERS, 7))
    survivor = Blame(path)
    survivor.hold(ORDERS, 7)
    survivor.let_go()
    assert list(Blame(path).suspects) == [(ORDERS, 7)]
    survivor.forgive((ORDERS, 7))
    assert list(survivor.suspects) == list(Blame(path).suspects) == []
    died_holding(path, (ORDERS, 7))
    assert Blame(path).condemned == frozenset()


def test_two_that_kill_in_turns_do_not_acquit_each_other(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    for _ in range(3):
        died_holding(path, (ORDERS, 7))
        died_holding(path, (OTHERS, 7))
    assert Blame(path).condemned == {(ORDERS, 7), (OTHERS, 7)}
    assert list(Blame(path).suspects) == []


def test_the_suspect_that_has_not_killed_for_longest_is_forgotten_first(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    for offset in range(SUSPECTS + 1):
        died_holding(path, (ORDERS, offset))
    assert list(Blame(path).suspects) == [(ORDERS, offset) for offset in range(1, SUSPECTS + 1)]


def test_a_file_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    path.write_bytes(bytes(range(256)) * 40)
    blame = Blame(path)
    assert (blame.condemned, list(blame.suspects)) == (frozenset(), [])


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
