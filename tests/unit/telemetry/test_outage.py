import structlog
from structlog.testing import capture_logs

from consumer.telemetry.outage import Outage


def test_a_lasting_condition_is_two_lines() -> None:
    now = iter([100.0, 107.5, 200.0])
    with capture_logs() as lines:
        outage = Outage(structlog.get_logger(), "redis unreachable", monotonic_s=lambda: next(now))
        outage.over()
        assert not outage
        for _ in range(1_000):
            outage.met(host="cache")
        assert outage
        outage.over(tenants=2)
        outage.over()
        outage.met()

    assert lines == [
        {"event": "redis unreachable", "log_level": "warning", "host": "cache"},
        {"event": "over: redis unreachable", "log_level": "info", "lasted_s": 7.5, "times": 1_000, "tenants": 2},
        {"event": "redis unreachable", "log_level": "warning"},
    ]
