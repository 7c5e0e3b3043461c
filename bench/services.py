"""Kafka and Redis of the bench's own, with everything they need, gone when the run ends."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import cores
from tests.services.kafka import ROOMY, Kafka
from tests.services.redis import Redis


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Running, on the cores of the surroundings."""

    folder: Path
    kafka: Kafka
    redis: Redis


@contextmanager
def services() -> Iterator[Services]:
    """Start them; this process, which loads and watches, stays on their core."""
    for name in [name for name in os.environ if name.startswith("HOOKLINE_")]:
        del os.environ[name]  # a measurement is configured by nobody but itself
    folder = Path(tempfile.mkdtemp(prefix="hookline-bench-"))
    with cores.starting_on(cores.SURROUNDINGS):
        kafka = Kafka.start(folder / "kafka", java=ROOMY)
        try:
            redis = Redis.start(folder / "redis")
            try:
                yield Services(folder=folder, kafka=kafka, redis=redis)
            finally:
                redis.stop()
        finally:
            kafka.stop()
            shutil.rmtree(folder, ignore_errors=True)
