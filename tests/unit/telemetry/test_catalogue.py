import re
from typing import get_args

import pytest

from consumer.delivery.outcome import DeathReason
from consumer.events.reasons import PoisonReason
from consumer.roles.role import Role
from consumer.telemetry.catalogue import ALL, BY_NAME, EVERY
from consumer.telemetry.count import Count, Dropped, reasoned
from consumer.telemetry.counted import COUNTED, TOLD_OTHERWISE, counted
from consumer.telemetry.metric import Kind


def test_every_counter_is_a_metric_or_told_otherwise() -> None:
    named = {name for name in COUNTED if "{" not in name and name != "dropped"}
    assert named | TOLD_OTHERWISE == {*get_args(Count)}
    assert named.isdisjoint(TOLD_OTHERWISE)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("commits", ("hookline_commits_total", ())),
        ("commits_failed{REBALANCE_IN_PROGRESS}", ("hookline_commits_failed_total", ("REBALANCE_IN_PROGRESS",))),
        ("dropped{no_subscribers}", ("hookline_events_total", ("no_subscribers",))),
        ("dropped{paused}", ("hookline_dropped_total", ("paused",))),
        ("matched", ("hookline_events_total", ("matched",))),
        ("attempts", None),
    ],
)
def test_a_counter_becomes_a_metric(name: str, told: tuple[str, tuple[str, ...]] | None) -> None:
    assert counted(name) == told


def test_every_counter_has_the_labels_that_its_metric_declares() -> None:
    for metric, word in COUNTED.values():
        assert BY_NAME[metric].kind is Kind.COUNTER
        assert len(BY_NAME[metric].labels) <= 1
        assert word is None or (word,) in BY_NAME[metric].words
    for reason in get_args(Dropped):
        told = counted(reasoned("dropped", reason))
        assert told is not None
        assert told[1] in BY_NAME[told[0]].words, reason


def test_names_are_as_prometheus_wants_them() -> None:
    assert len(BY_NAME) == len(ALL)
    for metric in ALL:
        assert re.fullmatch("(hookline|process)_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") is (metric.kind is Kind.COUNTER), metric.name
        assert metric.help.endswith("."), metric.name
        assert "\n" not in metric.help
        assert (metric.kind is Kind.HISTOGRAM) is bool(metric.bounds)
        assert list(metric.bounds) == sorted(set(metric.bounds))
        assert set(metric.roles) <= {*EVERY}
        assert all(len(words) == len(metric.labels) for words in metric.words), metric.name


def test_no_label_names_a_customer() -> None:
    labels = {label for metric in ALL for label in metric.labels}
    assert labels.isdisjoint({"tenant", "webhook", "subscription", "url", "host", "event_type", "key"})


def test_every_role_is_known() -> None:
    assert {*EVERY} == {str(role) for role in Role}


def test_reasons_are_words_of_ours() -> None:
    for reason in (*DeathReason, *PoisonReason):
        assert re.fullmatch("[a-z_]+", reason)
