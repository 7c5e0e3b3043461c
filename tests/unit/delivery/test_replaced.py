"""Of which deliveries no further try is wanted: told once, the latest only."""

from consumer.delivery.replaced import Replaced


def test_the_latest_are_kept_and_what_is_new_is_said() -> None:
    replaced = Replaced(most=3)
    assert replaced.heard(["a", "b"]) == ["a", "b"]
    assert replaced.heard(["b", "c"]) == ["c"]
    assert "a" in replaced
    assert replaced.heard(["d"]) == ["d"]
    assert [name in replaced for name in "abcd"] == [False, True, True, True]
