"""What one SIGKILL costs at the highest rate this machine gives: duplicates."""

import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook
from tests.chaos import canary
from tests.chaos.arena import PARTITIONS, Arena, Customer, arena
from tests.chaos.load import Load
from tests.chaos.report import Target
from tests.services.server import LocalProcess, ServiceError, free_port

_EVENTS: Final = 60_000
_MOST: Final = 1_500
_CONFIG: Final = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    log_format id '$msec $http_webhook_id';
    access_log {folder}/access.receipts id;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "ok"; }} }}
}}
"""


def burst(folder: Path) -> list[Target]:
    """A backlog is delivered as fast as one process can; it is killed in the middle of it."""
    with arena(folder) as built:
        log = _sink(built, folder / "nginx")
        built.hosts.processes = 1
        built.secrets["sink-0"] = canary.signing_secret()
        built.subscribe([Hook(name="sink-0", tenant="acme")])
        load = Load(
            built.kafka.bootstrap, built.stage.event_topic, folder / "load.ledger", partitions=PARTITIONS, make=_event
        )
        load.publish(range(_EVENTS))
        load.finish()
        running = built.hosts.start()
        until(lambda: _lines(log) > _EVENTS // 3, within_s=120, missing=lambda: running.tail, every_s=0.02)
        running.kill("deliver")
        at_kill_s = time.time()
        until(lambda: _distinct(log) == _EVENTS, within_s=120, missing=lambda: running.tail, every_s=1.0)
        until(lambda: not built.stage.unfinished(), within_s=60, missing=lambda: running.tail, every_s=0.5)
    times = Counter(line.split()[1] for line in log.read_text().splitlines())
    repeated = sum(times.values()) - len(times)
    before = [line for line in log.read_text().splitlines() if at_kill_s - 1 <= float(line.split()[0]) < at_kill_s]
    return [
        Target(name="lost", wanted="0", found=str(_EVENTS - len(times)), met=len(times) == _EVENTS),
        Target(name="deliveries in the second before", wanted="told", found=f"{len(before):,}", met=True),
        Target(name="duplicates", wanted=f"≤ {_MOST:,}", found=f"{repeated:,}", met=repeated <= _MOST),
    ]


def _event(number: int) -> Happening:
    return Happening(n=number, id=f"evt-{number}", type="order.created", tenant="acme")


def _sink(built: Arena, folder: Path) -> Path:
    """nginx, which writes a line for each request it answers."""
    path = shutil.which("nginx")
    if path is None:
        raise ServiceError("nginx is not installed")
    folder.mkdir()
    folder.chmod(0o777)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, port=port))
    server = LocalProcess([path, "-c", str(config)], log=folder / "nginx.log")
    sink = Customer(name="sink", port=port, log=folder / "access.receipts", server=server)
    built.add(sink)
    return sink.log


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def _distinct(log: Path) -> int:
    return len({line.split()[1] for line in log.read_bytes().splitlines()})
