"""Kafka and Redis of the bench's own, with everything they need, gone when the run ends.

The broker's log is kept in memory where there is room: the first pages written to a new partition's index stop a broker
on an emulated disk for 30 ms, and a measurement makes many partitions anew.
"""

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


_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 6 << 30


def _log_folder(folder: Path) -> Path:
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ENOUGH_BYTES:
        return Path(tempfile.mkdtemp(prefix="hookline-bench-", dir=_MEMORY))
    return folder / "kafka"


@contextmanager
def services() -> Iterator[Services]:
    """Start them; this process, which loads and watches, stays on their core."""
    for name in [name for name in os.environ if name.startswith("HOOKLINE_")]:
        del os.environ[name]  # a measurement is configured by nobody but itself
    folder = Path(tempfile.mkdtemp(prefix="hookline-bench-"))
    log = _log_folder(folder)
    with cores.starting_on(cores.SURROUNDINGS):
        kafka = Kafka.start(log, java=ROOMY)
        try:
            redis = Redis.start(folder / "redis")
            try:
                yield Services(folder=folder, kafka=kafka, redis=redis)
            finally:
                redis.stop()
        finally:
            kafka.stop()
            shutil.rmtree(log, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
