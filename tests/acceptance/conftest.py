"""A stage of its own for each test that asks: `build_stage(**options)`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.acceptance.stage import Stage

BuildStage: TypeAlias = Callable[..., Stage]


@pytest.fixture
def build_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kafka_bootstrap: str, redis_url: str, topic_prefix: str
) -> BuildStage:
    """On the shared broker and Redis, unless a test names its own."""
    return partial(
        Stage.build, tmp_path, monkeypatch, bootstrap=kafka_bootstrap, redis_url=redis_url, prefix=topic_prefix
    )
