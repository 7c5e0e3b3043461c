"""`python -m tests.services`: Kafka, Redis and a schema registry until Ctrl-C or SIGTERM.

The law: they take the ports at which people expect them where these are free, and what is printed is one block for a
file `.env`, with which every command of the README works as it is written. Nothing is written to that file from here.
"""

import base64
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.services.jars import ROOT
from tests.services.kafka import Kafka
from tests.services.redis import Redis
from tests.services.registry import Registry
from tests.services.server import ServiceError, usual_or_free
from tests.services.service import Service

KAFKA_PORT: Final = 9092
REDIS_PORT: Final = 6379
REGISTRY_PORT: Final = 8081


def main() -> int:
    """Run the services; 0 after a wanted end, 1 when one could not start."""
    stop = threading.Event()
    # Before anything starts, so that whatever has started is stopped.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    folder = ROOT / ".hookline" / "services" / secrets.token_hex(4)
    running: list[Service] = []
    try:
        return _serve(folder, running, stop)
    except ServiceError as error:
        print(f"services: {error}", file=sys.stderr)
        return 1
    finally:
        for service in reversed(running):
            service.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _serve(folder: Path, running: list[Service], stop: threading.Event) -> int:
    """Start one after the other, into `running`, until `stop`."""
    began = time.monotonic()
    ports = {usual: usual_or_free(usual) for usual in (KAFKA_PORT, REDIS_PORT, REGISTRY_PORT)}
    starts: tuple[Callable[[], Service], ...] = (
        lambda: Kafka.start(folder / "kafka", port=ports[KAFKA_PORT]),
        lambda: Redis.start(folder / "redis", port=ports[REDIS_PORT]),
        lambda: Registry.start(folder / "registry", port=ports[REGISTRY_PORT]),
    )
    _say("Starting Kafka, Redis and a schema registry ...")
    for start in starts:
        running.append(start())
        if stop.is_set():
            return 0
    _say(f"Ready in {time.monotonic() - began:.0f} s. They stop with Ctrl-C, and their data goes with them.")
    for usual, port in ports.items():
        if port != usual:
            _say(f"Port {usual} is in use by something else: here it is {port}.")
    _say("This block is for a file .env:\n")
    for line in block(ports, key=secrets.token_bytes(32)):
        print(line, flush=True)
    stop.wait()
    return 0


def block(ports: dict[int, int], *, key: bytes) -> list[str]:
    """The lines for `.env`: where the services are, by the ports they would usually have, and what else is needed."""
    return [
        f"HOOKLINE_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:{ports[KAFKA_PORT]}",
        f"HOOKLINE_REDIS_URL=redis://127.0.0.1:{ports[REDIS_PORT]}/0",
        f"HOOKLINE_SCHEMA_REGISTRY_URL=http://127.0.0.1:{ports[REGISTRY_PORT]}{Registry.path}",
        "HOOKLINE_EVENT_TOPICS=orders",
        f"HOOKLINE_ENCRYPTION_KEYS=k1:{base64.b64encode(key).decode()}",
        "# Only to try it out on one machine: without these two, endpoints are https and public.",
        "HOOKLINE_ALLOW_HTTP=true",
        "HOOKLINE_ALLOW_NETWORKS=127.0.0.0/8",
    ]


def _say(text: str) -> None:
    """For a person; the block alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
