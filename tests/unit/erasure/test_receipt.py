"""The receipt names all that remains, with where it is and until when, and says where nobody knows."""

from consumer.erasure.receipt import Erased, Kept, Keys, Names, Receipt, left_of, told

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
NAMES = Names(
    attempts="attempts",
    waiting=["retry.0s", "retry.1m"],
    dead_letter="dead-letter",
    poison="poison",
    audit="audit",
    compacted=["subscriptions", "state", "jobs"],
)


def left(kept: dict[str, int | None], *unfinished: str) -> dict[str, int | None]:
    found = left_of(
        NAMES, Kept(gone_after_ms=kept), now_ms=NOW_MS, compacted_ms=8 * DAY_MS, unfinished=unfinished
    )  # fmt: skip
    return {each.where: each.until_ms for each in found}


def test_it_says_until_when_each_topic_holds_what_was_there() -> None:
    until = left({"attempts": 37 * DAY_MS, "retry.0s": 8 * DAY_MS, "retry.1m": 9 * DAY_MS, "poison": None})
    assert until["attempts"] == NOW_MS + 37 * DAY_MS
    assert until["retry.0s, retry.1m"] == NOW_MS + 9 * DAY_MS
    assert until["subscriptions, state, jobs"] == NOW_MS + 8 * DAY_MS
    assert (until["poison"], until["dead-letter"]) == (None, None)


def test_of_several_topics_of_which_one_is_not_known_nothing_is() -> None:
    assert left({"retry.0s": 8 * DAY_MS, "retry.1m": None})["retry.0s, retry.1m"] is None
    assert left({"retry.0s": 8 * DAY_MS})["retry.0s, retry.1m"] is None


def test_with_data_keys_it_says_what_nobody_can_read_since_when_and_until_when_the_keys_lie_where() -> None:
    keys = Keys(topic="tenant-keys", since_ms=NOW_MS, until_ms=NOW_MS + 2 * DAY_MS)
    without, found = (
        left_of(NAMES, Kept(gone_after_ms={}), now_ms=NOW_MS, compacted_ms=0, unfinished=[], keys=each)
        for each in (None, keys)
    )
    assert not [each for each in without if "data key" in each.why]
    sealed = {each.where for each in found if "sealed with a data key that is destroyed" in each.why}
    assert sealed == {"attempts", "retry.0s, retry.1m", "dead-letter", "poison"}
    [attempts] = [each.why for each in found if each.where == "attempts"]
    assert "first at 2026-" in attempts
    assert "but for ids, times" in attempts
    [poison] = [each.why for each in found if each.where == "poison"]
    assert "but for keys and headers, and for records that name no tenant" in poison
    [last] = [each for each in found if each.where.startswith("tenant-keys")]
    assert last.until_ms == NOW_MS + 2 * DAY_MS
    assert "every backup of it" in last.where


def test_jobs_that_go_on_are_named() -> None:
    found = left_of(NAMES, Kept(gone_after_ms={}), now_ms=0, compacted_ms=0, unfinished=["job_1", "job_2"])
    assert any("2 jobs" in each.what and "job_1" in each.what for each in found)
    assert not any(
        "jobs" in each.what for each in left_of(NAMES, Kept(gone_after_ms={}), now_ms=0, compacted_ms=0, unfinished=[])
    )


def test_it_is_told_whole() -> None:
    what = left_of(NAMES, Kept(gone_after_ms={}), now_ms=NOW_MS, compacted_ms=0, unfinished=[])
    receipt = Receipt(tenant="acme", by="command:ann@host", at_ms=NOW_MS, erased=Erased(webhooks=2, lists=3), left=what)
    shown = told(receipt)
    assert (shown["tenant"], shown["by"], shown["dryRun"], shown["unreached"]) == (
        "acme",
        "command:ann@host",
        False,
        [],
    )
    assert shown["erased"] == {
        "webhooks": 2, "apiKeys": 0, "idempotencyRecords": 0, "links": 0, "jobs": 0, "lists": 3, "dataKeys": 0,
    }  # fmt: skip
    listed = shown["left"]
    assert isinstance(listed, list)
    assert len(listed) == len(what)
    assert (Erased().nothing, Erased(links=1).nothing) == (True, False)
