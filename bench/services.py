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

_MEMORY = Path("/dev/shm")
_LOG_BYTES = 6 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Running, on the cores of the surroundings. `log` is the broker's folder, empty where it is a container."""

    folder: Path
    log: Path
    kafka: Kafka
    redis: Redis


def _roomy_memory() -> Path | None:
    """Where files are kept in memory, if there is room for a broker's log."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _LOG_BYTES else None


def _folder(within: Path | None = None) -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="hookline-bench-", dir=within, ignore_cleanup_errors=True)


@contextmanager
def services() -> Iterator[Services]:
    """Start them; this process, which loads and watches, stays on their core."""
    for name in [name for name in os.environ if name.startswith("HOOKLINE_")]:
        del os.environ[name]  # a measurement is configured by nobody but itself
    with _folder() as folder, _folder(_roomy_memory()) as log, cores.starting_on(cores.SURROUNDINGS):
        kafka = Kafka.start(Path(log), java=ROOMY)
        try:
            redis = Redis.start(Path(folder) / "redis")
            try:
                yield Services(folder=Path(folder), log=Path(log), kafka=kafka, redis=redis)
            finally:
                redis.stop()
        finally:
            kafka.stop()
