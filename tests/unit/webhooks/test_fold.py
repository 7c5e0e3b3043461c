"""What a batch changes, what it leaves owed, and how far a bucket is then believed to be written."""

from consumer.webhooks.fold import changes, folded, in_cache
from consumer.webhooks.history import Deletion
from consumer.webhooks.kept import claimed, emptied, reached, written
from consumer.webhooks.outline import Outline, outline_of_value
from consumer.webhooks.record import encode
from consumer.webhooks.subscription import Subscription
from tests.webhook_samples import changed, subscription


def outline(state: Subscription) -> Outline:
    return outline_of_value(encode(state))


_WON = changed(subscription("wh_1"), name="won")
FIRST, WON, AFTER = outline(subscription("wh_1")), outline(_WON), outline(changed(_WON, name="after"))
LOST = outline(changed(subscription("wh_1"), name="lost"))


def test_the_first_of_two_writes_of_one_revision_holds_and_is_owed() -> None:
    fold = folded({"wh_1": FIRST}, [WON, LOST])
    assert (fold.changed, fold.lost) == ({"wh_1": WON}, {"wh_1": WON})
    assert [words[0] for _, words in changes(fold)] == ["set", "lost"]


def test_a_change_behind_the_lost_one_pays_the_debt() -> None:
    fold = folded({"wh_1": FIRST}, [WON, LOST, AFTER])
    assert (fold.changed, fold.lost) == ({"wh_1": AFTER}, {})


def test_a_repetition_changes_nothing() -> None:
    fold = folded({"wh_1": FIRST}, [outline(subscription("wh_1"))])
    assert (fold.changed, fold.lost) == ({}, {})


def test_what_is_written_is_what_is_read_back() -> None:
    gone = Deletion.of(subscription("wh_1"))
    [(_, (kind, tenant, name, value))] = changes(folded({"wh_1": FIRST}, [gone]))
    assert (kind, tenant, name) == ("gone", FIRST.tenant, "wh_1")
    assert in_cache(tenant, name, None, str(value).encode()) == gone
    [(_, (kind, *_, value))] = changes(folded({"wh_1": None}, [FIRST]))
    assert (kind, value) == ("set", encode(subscription("wh_1")))
    assert in_cache(tenant, name, FIRST.value, None) == FIRST
    assert in_cache(tenant, name, None, None) is None


def test_a_bucket_is_carried_on_only_where_its_offsets_fit_the_topic() -> None:
    assert not claimed("e", b"3,0", (5, 2)).broken
    for at in (None, b"3", b"6,0"):
        bucket = claimed("e", at, (5, 2))
        assert (bucket.broken, bucket.at) == (True, (0, 0))


def test_a_bucket_has_caught_up_at_the_ends_of_its_beginning() -> None:
    bucket = emptied("e", (5, 2))
    bucket.at = reached(bucket.at, {0: 5})
    assert not bucket.caught_up
    bucket.at = reached(bucket.at, {0: 4, 1: 9})
    assert (bucket.at, written(bucket.at), bucket.caught_up) == ((5, 9), "5,9", True)
