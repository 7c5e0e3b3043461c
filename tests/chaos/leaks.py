"""Looks for canaries wherever a secret might have gone: topics, Redis, log files, what the commands print.

The law: the one place where a secret may stand in the clear is the environment of the processes.
"""

import subprocess
from collections.abc import Iterator
from typing import cast

import redis
from confluent_kafka.admin import AdminClient

from tests.acceptance.hookline import clean, command
from tests.chaos import canary
from tests.chaos.arena import Arena

COMMANDS = (
    ("webhooks", "list"),
    ("webhooks", "list", "--json"),
    ("webhooks", "show", "north-0-0"),
    ("dead-letters", "list", "--json"),
    ("topics", "check"),
)


def leaks(arena: Arena) -> list[str]:
    """The places that hold a canary."""
    found = [f"topic {name}" for name in _topics(arena) if _in_topic(arena, name)]
    found += [f"Redis {key!r}" for key, texts in _cache(arena) if canary.found([key, *texts])]
    found += [
        path.name for path in arena.folder.rglob("*.log*") if path.is_file() and canary.found([path.read_bytes()])
    ]
    for words in COMMANDS:
        done = subprocess.run(
            command(*words), cwd=arena.folder, env=clean(arena.environment), capture_output=True, check=False
        )
        if canary.found([done.stdout, done.stderr]):
            found.append(f"hookline {' '.join(words)}")
        if done.returncode != 0:
            found.append(f"hookline {' '.join(words)} ended with {done.returncode}")
    return found


def _topics(arena: Arena) -> list[str]:
    """All that hold records of ours, the group offsets included."""
    return sorted(AdminClient({"bootstrap.servers": arena.kafka.bootstrap}).list_topics(timeout=10).topics)


def _in_topic(arena: Arena, name: str) -> bool:
    return any(
        canary.found([record.key, record.value, *(value for _, value in record.headers)])
        for record in arena.stage.read(name)
    )


def _cache(arena: Arena) -> Iterator[tuple[bytes, list[bytes]]]:
    with redis.Redis.from_url(arena.redis_url) as client:
        for key in cast("Iterator[bytes]", client.scan_iter(count=1_000)):
            match cast("bytes", client.type(key)):
                case b"hash":
                    pairs = cast("dict[bytes, bytes]", client.hgetall(key))
                    yield key, [*pairs.keys(), *pairs.values()]
                case b"set":
                    yield key, list(cast("set[bytes]", client.smembers(key)))
                case b"zset":
                    yield key, cast("list[bytes]", client.zrange(key, 0, -1))
                case b"list":
                    yield key, cast("list[bytes]", client.lrange(key, 0, -1))
                case b"string":
                    yield key, [cast("bytes", client.get(key))]
                case other:
                    raise AssertionError(f"{key!r} is a {other!r}: look into it too")
