"""What several tests with real services stand on."""

from collections.abc import Iterator

import pytest

from tests.projection_bench import Bench


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    made = Bench(redis_url)
    yield made
    made.redis.close()
