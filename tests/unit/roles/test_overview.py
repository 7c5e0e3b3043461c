from prometheus_client.parser import text_string_to_metric_families

from consumer.roles.overview import KEPT_S, SILENT_S, Overview
from consumer.roles.role import Role
from consumer.roles.status import Topic, Trouble, status_of
from consumer.roles.supervision import Member
from consumer.telemetry.exposition import text
from consumer.telemetry.snapshot import Snapshot

A = Member(role=Role.DELIVER, slot=0)
B = Member(role=Role.RETRY, slot=0)
BUILD = {"version": "1.2.3", "python": "3.11", "librdkafka": "2.16"}


def snapshot(*lacks: str, **values: float) -> Snapshot:
    return Snapshot(
        lacks=lacks, values=tuple((f"hookline_{name}", (), value) for name, value in values.items()), histograms=()
    )


def overview() -> Overview:
    both = Overview([A, B], BUILD)
    both.started(0.0, A, 11)
    both.started(0.0, B, 12)
    return both


def samples(of: Overview, now_s: float) -> dict[tuple[str, str, str], float]:
    told = text(of.series(now_s), openmetrics=False).decode()
    return {
        (sample.name, sample.labels.get("role", ""), sample.labels.get("code", "")): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


def test_it_is_ready_when_every_process_says_so() -> None:
    both = overview()
    assert both.lacks() == ["deliver/0: it has said nothing yet", "retry/0: it has said nothing yet"]
    both.heard(1.0, A, 11, snapshot())
    both.heard(1.0, B, 12, snapshot("Kafka does not answer"))
    assert both.lacks() == ["retry/0: Kafka does not answer"]
    both.heard(2.0, B, 12, snapshot())
    assert both.lacks() == []
    both.stopping = True
    assert both.lacks() == ["it is stopping"]


def test_who_ended_is_not_ready_nor_who_came_in_his_place_before_he_says_so() -> None:
    both = overview()
    both.heard(1.0, A, 11, snapshot())
    both.heard(1.0, B, 12, snapshot())
    both.ended(2.0, A, -9)
    assert both.lacks() == ["deliver/0: it is not running"]
    both.started(2.5, A, 13)
    assert both.lacks() == ["deliver/0: it has said nothing yet"]
    both.heard(3.0, A, 11, snapshot())
    assert both.lacks() == ["deliver/0: it has said nothing yet"], "that was the one before"
    both.heard(3.0, A, 13, snapshot())
    assert both.lacks() == []


def test_a_loop_that_hangs_is_not_alive_and_a_process_that_is_gone_does_not_hang() -> None:
    both = overview()
    both.heard(1.0, A, 11, snapshot())
    both.heard(1.0, B, 12, snapshot())
    assert both.silent(1.0 + SILENT_S) == []
    both.heard(60.0, B, 12, snapshot())
    assert both.silent(2.0 + SILENT_S) == ["deliver/0: its loop has been silent for 61 s"]
    both.ended(63.0, A, -9)
    assert both.silent(63.0) == []


def test_a_process_that_never_says_anything_is_not_alive_after_a_while() -> None:
    assert overview().silent(SILENT_S) == []
    assert len(overview().silent(SILENT_S + 1)) == 2


def test_series_vanish_with_their_process_after_one_interval() -> None:
    both = overview()
    both.heard(1.0, A, 11, snapshot(deliveries_waiting=5))
    assert samples(both, 2.0)["hookline_deliveries_waiting", "deliver", ""] == 5
    both.ended(3.0, A, 70)
    assert samples(both, 3.0 + KEPT_S)["hookline_deliveries_waiting", "deliver", ""] == 5
    then = samples(both, 4.0 + KEPT_S)
    assert ("hookline_deliveries_waiting", "deliver", "") not in then
    assert then["hookline_process_up", "deliver", ""] == 0
    assert ("hookline_snapshot_age_seconds", "deliver", "") not in then


def test_starts_and_exits_are_counted_by_what_ended_them() -> None:
    both = overview()
    assert samples(both, 0.0)["hookline_process_exits_total", "deliver", "70"] == 0
    both.ended(1.0, A, 70)
    both.started(1.5, A, 13)
    both.ended(2.0, A, -6)
    both.started(3.0, A, 14)
    both.stopping = True
    both.ended(4.0, A, 0)

    told = samples(both, 5.0)
    assert told["hookline_process_starts_total", "deliver", ""] == 3
    assert told["hookline_process_exits_total", "deliver", "70"] == 1
    assert told["hookline_process_exits_total", "deliver", "-6"] == 1
    assert ("hookline_process_exits_total", "deliver", "0") not in told, "it was asked to"
    assert told["hookline_build_info", "", ""] == 1


def test_status_sums_over_the_processes_and_leaves_zeros_out() -> None:
    both = overview()
    place = ("orders", "0")
    values: tuple[tuple[str, tuple[str, ...], float], ...] = (
        ("hookline_deliveries_waiting", (), 2.0),
        ("hookline_records_unstarted", place, 40.0),
        ("hookline_records_unfinished", place, 3.0),
        ("hookline_oldest_unfinished_age_seconds", place, 2.5),
        ("hookline_poison_total", ("too_large",), 1.0),
        ("hookline_poison_total", ("too_deep",), 0.0),
        ("hookline_outage_seconds", ("redis unreachable",), 7.0),
        ("hookline_outage_seconds", ("kafka trouble",), 0.0),
        ("process_resident_memory_bytes", (), 4096.0),
    )
    both.heard(1.0, A, 11, Snapshot(lacks=(), values=values, histograms=()))
    both.heard(1.0, B, 12, Snapshot(lacks=("no",), values=values[:1], histograms=()))

    told = status_of(both, 3.0)
    assert told.version == "1.2.3"
    assert (told.ready, told.alive, told.reasons) == (False, True, ["retry/0: no"])
    assert told.deliveries.waiting == 4
    assert told.topics == [Topic(topic="orders", unstarted=40, unfinished=3, oldest_age_s=2.5)]
    assert told.poison == {"too_large": 1}
    assert told.troubles == [Trouble(role="deliver", slot=0, what="redis unreachable", for_s=7.0)]
    deliver, retry = told.processes
    assert (deliver.pid, deliver.running, deliver.reasons, deliver.restarts) == (11, True, [], 0)
    assert (deliver.memory_bytes, deliver.silent_for_s) == (4096, 2.0)
    assert (retry.memory_bytes, retry.leads) == (None, None)


def test_webhooks_whose_certificates_end_are_not_added_up_for_each_process_tells_of_all() -> None:
    both = overview()
    for member, pid, ending in ((A, 11, 2.0), (B, 12, 3.0)):
        values = (
            ("hookline_webhook_certificates", ("ended",), 0.0),
            ("hookline_webhook_certificates", ("ending",), ending),
        )
        both.heard(1.0, member, pid, Snapshot(lacks=(), values=values, histograms=()))
    assert status_of(both, 3.0).certificates == {"ending": 3}
