"""Of which deliveries no further try is wanted: told once, the latest only."""

from msgspec.structs import replace

from consumer.delivery.delivery import Trigger, delivery_id, replay_id
from consumer.delivery.replaced import TOLD_MOST, Replaced, replaced_by
from tests.deliveries import delivery


def test_the_latest_are_kept_and_what_is_new_is_said() -> None:
    replaced = Replaced(most=3)
    assert replaced.heard(["a", "b"]) == ["a", "b"]
    assert replaced.heard(["b", "c"]) == ["c"]
    assert "a" in replaced
    assert replaced.heard(["d"]) == ["d"]
    assert [name in replaced for name in "abcd"] == [False, True, True, True]


def test_what_an_accepted_replay_was_sent_instead_of_is_told_the_latest_of_a_long_chain() -> None:
    original = delivery()

    def told(replays: int) -> list[str]:
        return replaced_by(replace(original, id="r", trigger=Trigger.RESEND, replays=replays))

    def replay(number: int) -> str:
        return delivery_id(original.event, original.subscription_id, replay_id(original.id, number))

    assert told(3) == [original.id, replay(1), replay(2)]
    long = told(1_000_000)
    assert (len(long), long[0], long[-1]) == (1 + TOLD_MOST, original.id, replay(999_999))
