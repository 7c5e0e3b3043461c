"""One partition's figures: order counts, repetition does not, and Redis gets what it does not hold."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.log.figures import Figures, Rows, forgotten
from consumer.log.health import Health, Sent
from consumer.log.stats import Period, Stats, buckets, total
from consumer.log.store import KEPT_FOR_MS

NOW_MS = 1_790_000_000_000
NAMES = ("wh_1", "wh_2", "wh_3")


def sent(offset: int, status: int) -> Sent:
    return Sent(
        at_ms=NOW_MS + offset,
        logged_ms=NOW_MS + offset,
        url="https://example.com/",
        status=status,
        failure=None,
        elapsed_ms=float(offset % 7),
        outcome="delivered" if status == 200 else "retry",
    )


def always(_name: str) -> int:
    return 0


def figures(offset: int = 0) -> Figures:
    return Figures(stand="", offset=offset)


logs = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([200, 500])), max_size=60)


@given(logs, st.data())
def test_a_log_read_in_pieces_that_overlap_gives_what_reading_it_once_gives(
    log: list[tuple[str, int]], data: st.DataObject
) -> None:
    once, again = figures(), figures()
    for offset, (name, status) in enumerate(log):
        once.fold(offset, name, sent(offset, status), always)
    read_to = 0
    while read_to < len(log):
        # A batch begins anywhere in what was read, as after a crash or a rebalance, and goes at least one further.
        begin = data.draw(st.integers(0, read_to))
        end = data.draw(st.integers(read_to + 1, len(log)))
        for offset in range(begin, end):
            name, status = log[offset]
            again.fold(offset, name, sent(offset, status), always)
        read_to = end
    assert (again.whole(), again.offset) == (once.whole(), once.offset)


@given(logs, st.data())
def test_going_on_from_what_was_saved_gives_what_never_stopping_gives(
    log: list[tuple[str, int]], data: st.DataObject
) -> None:
    whole, first = figures(), figures()
    saved_at = data.draw(st.integers(0, len(log)))
    lost_at = data.draw(st.integers(saved_at, len(log)))
    for offset, (name, status) in enumerate(log):
        whole.fold(offset, name, sent(offset, status), always)
    for offset, (name, status) in enumerate(log[:saved_at]):
        first.fold(offset, name, sent(offset, status), always)
    second = Figures(stand=str(first.offset), offset=first.offset, health=Rows(dict(first.health.rows)))
    for offset, (name, status) in enumerate(log[:lost_at]):
        first.fold(offset, name, sent(offset, status), always)  # and then it is killed
    for offset, (name, status) in enumerate(log):
        second.fold(offset, name, sent(offset, status), always)
    assert second.health.rows == whole.health.rows


def test_what_changed_is_what_redis_does_not_hold() -> None:
    kept = figures()
    kept.fold(0, "wh_1", sent(0, 200), always)
    kept.fold(1, "wh_2", sent(1, 200), always)
    kept.written()
    assert (kept.stand, kept.health.changed) == ("2", set())
    kept.fold(2, "wh_2", sent(2, 500), always)
    assert kept.health.changed == {"wh_2"}


def test_a_record_that_is_no_attempt_is_passed() -> None:
    kept = figures()
    kept.passed(7)
    assert kept.offset == 8
    assert kept.fold(7, "wh_1", sent(7, 200), always) is None


def test_a_success_asks_nobody_since_when_the_webhook_is_active() -> None:
    def asked(name: str) -> int:
        raise AssertionError(name)

    assert figures().fold(0, "wh_1", sent(0, 200), asked) is not None


def test_a_topic_made_anew_is_read_from_its_beginning() -> None:
    kept = figures(500)
    kept.rewound()
    assert kept.fold(0, "wh_1", sent(0, 200), always) is not None


def test_who_was_not_tried_for_long_or_is_deleted_is_forgotten() -> None:
    old, deleted, new, living = (
        Health(last_attempt_at_ms=NOW_MS - age) for age in (KEPT_FOR_MS + 1, 90_000, 10, 90_000)
    )
    kept = Figures(stand="9", offset=9, health=Rows({"old": old, "deleted": deleted, "new": new, "living": living}))
    kept.health.changed.add("old")
    gone = forgotten(kept, before_ms=NOW_MS - KEPT_FOR_MS, now_ms=NOW_MS, exists=lambda name: name in {"old", "living"})
    assert sorted(gone) == ["deleted", "old"]
    kept.drop(gone)
    health = kept.health
    assert (set(health.rows), health.changed, health.dropped) == ({"new", "living"}, set(), {"old", "deleted"})


def test_statistics_of_one_that_was_only_sent_something_now_go_as_health_goes() -> None:
    kept = figures()
    for offset, name in enumerate(("old", "deleted", "living")):
        kept.fold(offset, name, replace(sent(offset, 200), trigger="resend"), always)
    later_ms = NOW_MS + 2 * 3_600_000
    kept.unsaved()
    assert (kept.health.rows, set(kept.stats.rows)) == ({}, {"old", "deleted", "living"})
    gone = forgotten(kept, before_ms=0, now_ms=later_ms, exists=lambda name: name == "living")
    assert sorted(gone) == ["deleted", "old"]
    kept.drop(gone)
    assert (set(kept.unsaved().stats), sorted(kept.unsaved().dropped_stats)) == ({"living"}, ["deleted", "old"])


def test_statistics_of_one_that_was_forgotten_begin_anew() -> None:
    kept = figures()
    kept.fold(0, "wh_1", sent(0, 200), always)
    kept.drop(["wh_1"])
    kept.fold(1, "wh_1", sent(1, 500), always)
    told = total(buckets([Stats.unpacked(kept.unsaved().stats["wh_1"])], Period.DAY, NOW_MS))
    assert (told.delivered, told.failed) == (0, 1)


def test_who_was_forgotten_and_is_tried_again_is_not_dropped_any_more() -> None:
    kept = Figures(stand="9", offset=9, health=Rows({"wh_1": Health()}))
    kept.drop(["wh_1"])
    kept.fold(9, "wh_1", sent(9, 200), always)
    assert (kept.health.changed, kept.health.dropped) == ({"wh_1"}, set())
