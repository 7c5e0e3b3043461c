"""For how long a topic keeps its records: asked about once an hour, and sooner where nothing was said."""

import pytest

from consumer.kafka.retention import Retention, gone_after
from consumer.settings import Settings

DAY_MS = 86_400_000


def test_it_is_asked_once_an_hour_and_after_a_minute_where_nothing_was_said() -> None:
    said: list[int | None] = [None, DAY_MS, 2 * DAY_MS]
    now_s = 0.0
    retention = Retention(Settings(), "t", ask=lambda *_: said.pop(0), monotonic_s=lambda: now_s)
    assert [retention.ms(), retention.ms()] == [None, None]
    now_s = 61.0
    assert [retention.ms(), retention.ms()] == [DAY_MS, DAY_MS]
    now_s += 3_601.0
    assert retention.ms() == 2 * DAY_MS
    assert said == []


def test_who_asks_holds_up_nobody() -> None:
    retention: Retention

    def ask(*_: object) -> int:
        assert retention.ms() is None
        return DAY_MS

    retention = Retention(Settings(), "t", ask=ask)
    assert retention.ms() == DAY_MS


WEEK = {"retention.ms": str(30 * DAY_MS), "segment.ms": str(7 * DAY_MS), "cleanup.policy": "delete"}


@pytest.mark.parametrize(
    ("said", "gone_ms"),
    [
        (WEEK, 37 * DAY_MS),
        (WEEK | {"cleanup.policy": "compact,delete"}, 37 * DAY_MS),
        (WEEK | {"cleanup.policy": "compact"}, None),
        (WEEK | {"retention.ms": "-1"}, None),
        ({each: WEEK[each] for each in ("retention.ms", "cleanup.policy")}, None),
        ({}, None),
    ],
)
def test_a_record_can_be_read_until_its_whole_segment_is_deleted(said: dict[str, str], gone_ms: int | None) -> None:
    assert gone_after(said) == gone_ms
