import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as prometheus_families

from consumer.telemetry.catalogue import ALL
from consumer.telemetry.exposition import Series, named, text, wants_openmetrics
from consumer.telemetry.metric import Kind

LABELS = (("role", "deliver"), ("slot", "0"))


def everything() -> Series:
    series = Series()
    for metric in ALL:
        labels = (*LABELS, *named(metric.labels, ("word",) * len(metric.labels)))
        if metric.kind is Kind.HISTOGRAM:
            series.histogram(metric.name, labels, tuple(range(len(metric.bounds) + 1)), 2.5)
        else:
            series.value(metric.name, labels, 1 if metric.kind is Kind.INFO else 7)
    return series


@pytest.mark.parametrize("openmetrics", [False, True])
def test_every_metric_is_read_by_prometheus_own_client(openmetrics: bool) -> None:
    told = text(everything(), openmetrics=openmetrics).decode()
    families = list((openmetrics_families if openmetrics else prometheus_families)(told))

    samples = {sample.name for family in families for sample in family.samples}
    for metric in ALL:
        expected = f"{metric.name}_bucket" if metric.kind is Kind.HISTOGRAM else metric.name
        assert expected in samples
    kinds = {family.name: family.type for family in families}
    assert kinds["hookline_delivery_latency_seconds"] == "histogram"
    assert kinds["hookline_oldest_unfinished_age_seconds"] == "gauge"
    assert kinds["hookline_events"] == "counter"
    assert all(family.documentation for family in families)
    assert told.endswith("# EOF\n") is openmetrics


def test_a_histogram_is_cumulative() -> None:
    series = Series()
    series.histogram("hookline_loop_turn_seconds", LABELS, (1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4), 9.5)

    lines = text(series, openmetrics=False).decode().splitlines()
    assert 'hookline_loop_turn_seconds_bucket{role="deliver",slot="0",le="0.001"} 1' in lines
    assert 'hookline_loop_turn_seconds_bucket{role="deliver",slot="0",le="0.1"} 3' in lines
    assert 'hookline_loop_turn_seconds_bucket{role="deliver",slot="0",le="+Inf"} 7' in lines
    assert lines[-2:] == [
        'hookline_loop_turn_seconds_count{role="deliver",slot="0"} 7',
        'hookline_loop_turn_seconds_sum{role="deliver",slot="0"} 9.5',
    ]


@given(st.text())
def test_whatever_a_label_holds_it_is_read_back(word: str) -> None:
    series = Series()
    series.value("hookline_outage_seconds", (*LABELS, ("what", word)), 2)

    [family] = prometheus_families(text(series, openmetrics=False).decode())
    [sample] = family.samples
    assert sample.labels["what"] == word


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
        ("application/openmetrics-text;q=0.3,text/plain;q=0.9", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=much", False),
    ],
)
def test_the_format_is_the_one_that_is_liked_more(accept: str, openmetrics: bool) -> None:
    assert wants_openmetrics(accept) is openmetrics
