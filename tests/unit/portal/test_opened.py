"""A link is opened once, as Redis remembers it."""

from typing import Any

import fakeredis
import pytest
import redis

from consumer.portal.opened import OpenedLinks
from consumer.settings import Settings


def test_whoever_is_first_opens_it() -> None:
    server = fakeredis.FakeServer()
    one, other = (OpenedLinks(Settings(), client=fakeredis.FakeRedis(server=server)) for _ in range(2))
    assert [one.first("pl_1", 60_000), other.first("pl_1", 60_000), one.first("pl_1", 60_000)] == [True, False, False]
    assert other.first("pl_2", 60_000)
    kept = fakeredis.FakeRedis(server=server)
    assert 0 < kept.pttl("hookline.portal-link:pl_1") <= 60_000
    one.close()


def test_without_redis_only_time_limits_it(capsys: pytest.CaptureFixture[str]) -> None:
    class Away(fakeredis.FakeRedis):
        def pipeline(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 # redis-py's
            raise redis.ConnectionError("gone")

    opened = OpenedLinks(Settings(), client=Away())
    assert opened.first("pl_1", 60_000)
    assert opened.first("pl_1", 60_000)
    assert capsys.readouterr().out.count("opened links not remembered") == 1
