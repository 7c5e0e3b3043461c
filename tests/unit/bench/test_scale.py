"""The model of docs/scaling.md multiplies what was measured, and adds what it states."""

from bench.scale import need, table

FIGURES = {
    "deliver_us": 35.0,
    "log_us": 14.0,
    "broker_us": 21.0,
    "redis_us": 0.7,
    "event_bytes": 400,
    "attempt_bytes": 600,
}


def test_what_a_size_takes() -> None:
    found = need(FIGURES, 100_000)
    assert (found.deliver, found.log, found.partitions) == (5, 2, 10)
    assert round(found.broker_cores, 3) == 5.0  # 3 cores at 70 %, and two thirds more for two replicas
    assert round(found.redis_cores, 3) == 0.1
    assert (found.written_mb, found.read_mb) == (300.0, 300.0)


def test_the_table_has_a_column_for_each_size() -> None:
    lines = table(FIGURES).splitlines()
    assert lines[0] == "| deliveries a second | 1,000 | 10,000 | 100,000 | 1,000,000 |"
    assert {line.count("|") for line in lines} == {6}
