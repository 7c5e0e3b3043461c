"""`python -m tests.services`: Kafka, Redis and a schema registry until Ctrl-C or SIGTERM; prints what to export."""

import base64
import secrets
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from tests.services.jars import ROOT
from tests.services.kafka import Kafka
from tests.services.redis import Redis
from tests.services.registry import Registry
from tests.services.server import ServiceError
from tests.services.service import Service


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
    print("# Starting Kafka, Redis and a schema registry ...", flush=True)
    kafka = Kafka.start(folder / "kafka")
    running.append(kafka)
    redis = Redis.start(folder / "redis")
    running.append(redis)
    if stop.is_set():
        return 0
    registry = Registry.start(folder / "registry")
    running.append(registry)
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    print(f"export HOOKLINE_KAFKA_BOOTSTRAP_SERVERS={kafka.bootstrap}")
    print(f"export HOOKLINE_REDIS_URL={redis.url()}")
    print(f"export HOOKLINE_SCHEMA_REGISTRY_URL={registry.url}")
    print(f"export HOOKLINE_ENCRYPTION_KEYS=local:{key}")
    print(f"# Ready in {time.monotonic() - began:.1f} s; Ctrl-C stops them.", flush=True)
    stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
