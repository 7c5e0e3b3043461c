"""A partition's figures as fields of a hash, and how they are read by those who do not own them.

    <webhook's id>           its health, as JSON
    :stats:<webhook's id>    its statistics, packed (`stats.py`)
    :job:<job's id>          the job's counts, as JSON

The law: figures of all kinds lie in one hash, so that one script changes them together with what they stand for. A
hash of its own for each would lie in another slot of a Redis Cluster, where no script reaches both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec

from consumer.log.answered import JobCounts
from consumer.log.figures import Fields
from consumer.log.health import Health
from consumer.log.stats import Stats
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, Call

_STATS: Final = ":stats:"
_JOB: Final = ":job:"
_SLICE: Final = 1_000

# KEYS: hash. ARGV: fields. Returns the stand, the number of partitions, then the values.
_READ: Final = "return redis.call('HMGET', KEYS[1], ':stand', ':partitions', unpack(ARGV))"

_Row = TypeVar("_Row")

_encode = msgspec.json.Encoder().encode
_health = msgspec.json.Decoder(Health).decode
_job = msgspec.json.Decoder(JobCounts).decode


def key_of(prefix: str, partition: int) -> str:
    """The hash of a partition."""
    return f"{prefix}health:{partition}"


def stats_field(webhook: str) -> str:
    """Where a webhook's statistics are."""
    return _STATS + webhook


def job_field(job: str) -> str:
    """Where a job's counts are."""
    return _JOB + job


def pairs(fields: Fields) -> Iterator[tuple[str, bytes]]:
    """What is to be written."""
    for name, health in fields.health.items():
        yield name, _encode(health)
    for name, packed in fields.stats.items():
        yield stats_field(name), packed
    for name, counts in fields.jobs.items():
        yield job_field(name), _encode(counts)


def dropped(fields: Fields) -> list[str]:
    """What is to go."""
    return [
        *fields.dropped_health,
        *map(stats_field, fields.dropped_stats),
        *map(job_field, fields.dropped_jobs),
    ]


@dataclass(slots=True)
class Reading:
    """Fields as they are read. `whole` is False once one could not be."""

    health: dict[str, Health] = field(default_factory=dict)
    stats: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, JobCounts] = field(default_factory=dict)
    whole: bool = True

    def take(self, name: str, value: bytes) -> None:
        """One field."""
        if name.startswith(_STATS):
            self._keep(self.stats, name.removeprefix(_STATS), None if stats_of(value) is None else value)
        elif name.startswith(_JOB):
            self._keep(self.jobs, name.removeprefix(_JOB), job_of(value))
        elif not name.startswith(":"):
            self._keep(self.health, name, health_of(value))

    def _keep(self, rows: dict[str, _Row], name: str, row: _Row | None) -> None:
        if row is None:
            self.whole = False
        else:
            rows[name] = row


def health_of(value: bytes) -> Health | None:
    """None for what another version of Hookline, or somebody else, wrote."""
    try:
        return _health(value)
    except msgspec.DecodeError:
        return None


def stats_of(value: bytes) -> Stats | None:
    """The same of statistics."""
    try:
        return Stats.checked(value)
    except ValueError:  # also MessagePack's own
        return None


def job_of(value: bytes) -> JobCounts | None:
    """The same of a job's counts."""
    try:
        return _job(value)
    except msgspec.DecodeError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The values of each field, of every partition that has it. `whole`: all partitions' figures are there."""

    values: dict[str, list[bytes]]
    whole: bool


class Partitions:
    """Fields of all partitions. One thread at a time may ask."""

    def __init__(self, cache: Cache, settings: Settings) -> None:
        self._cache = cache
        self._prefix = settings.topic_prefix
        self._number = settings.partitions

    def read(self, fields: Sequence[str]) -> Found:
        """These fields.

        Raises:
            CacheUnavailable: Redis is away.
        """
        found: dict[str, list[bytes]] = {name: [] for name in fields}
        slices = [fields[start : start + _SLICE] for start in range(0, len(fields), _SLICE)]
        whole = True
        asked = 0
        while asked < self._number:  # which grows when the answer says that there are more
            numbers = range(asked, self._number)
            asked = self._number
            keys = [key_of(self._prefix, number) for number in numbers]
            calls = [Call(script=_READ, keys=(key,), args=part) for key in keys for part in slices]
            wanted = [part for _ in keys for part in slices]
            for part, (stand, partitions, *values) in zip(wanted, self._cache.run(calls), strict=True):
                whole = whole and stand is not None and stand.isdigit()
                self._number = max(self._number, int(partitions or 0))
                for name, value in zip(part, values, strict=True):
                    if value is not None:
                        found[name].append(value)
        return Found(values=found, whole=whole)
