from collections.abc import Mapping

from structlog.testing import capture_logs

from consumer.delivery.tenants import Loading
from consumer.roles.pool import doubting
from consumer.webhooks.reader import Unavailable, Unchanged


def test_a_cache_that_cannot_tell_is_two_lines_however_many_tenants_ask() -> None:
    away = {"a", "b"}

    def read(wanted: Mapping[str, str | None]) -> Mapping[str, Loading]:
        return {tenant: Unavailable(reason="away") if tenant in away else Unchanged() for tenant in wanted}

    with capture_logs() as lines:
        look_up = doubting(read)
        for _ in range(100):
            assert look_up({"a": None})["a"] == Unavailable(reason="away")
            assert look_up({"c": None})["c"] == Unchanged()
            look_up({"b": None})
        away.remove("a")
        look_up({"a": None})
        away.remove("b")
        look_up({"b": None})
    assert [(line["event"], line.get("reason"), line.get("times")) for line in lines] == [
        ("webhooks unreadable", "away", None),
        ("over: webhooks unreadable", None, 200),
    ]
