"""The sink: nginx, one worker, which answers every POST with 200 and counts it.

The law: `received` counts every request but our own questions, so "all were delivered" is nginx's word, not ours; where
the ids are wanted, they are nginx's word too.
"""

import http.client
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.services.server import LocalProcess, ServiceError, free_port, listening
from tests.services.service import Service

_CONFIG = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    log_format ids '$msec $http_webhook_id';
    access_log {ids};
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    client_body_buffer_size 64k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200 "ok"; }}
        location = /status {{ stub_status; }}
    }}
}}
"""


_IDS = "ids.log"


@contextmanager
def sinking(folder: Path) -> "Iterator[Sink]":
    """One of somebody's own, until the block ends. Raises as `Sink.start`."""
    sink = Sink.start(folder)
    try:
        yield sink
    finally:
        sink.stop()


class Sink(Service):
    """An nginx on a free loopback port."""

    name = "nginx"

    @classmethod
    def start(cls, folder: Path, *, noting_ids: bool = False) -> Self:
        """Start one with its files in `folder`.

        Raises:
            ServiceError: there is no nginx, or it did not start.
        """
        path = shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/opt/homebrew/bin")
        if path is None:
            raise ServiceError("the sink is nginx, and it is not installed: apt-get install nginx-core wrk")
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        config = folder / "nginx.conf"
        ids = f"{folder / _IDS} ids buffer=64k flush=1s" if noting_ids else "off"
        config.write_text(_CONFIG.format(folder=folder, port=port, ids=ids))
        command = [path, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
        return cls(LocalProcess(command, log=folder / "output.log"), port, folder)

    def __init__(self, server: LocalProcess, port: int, folder: Path) -> None:
        self._asked = 0
        self._folder = folder
        super().__init__(server, port)

    def ready(self) -> bool:
        return listening(self._port)

    @property
    def url(self) -> str:
        """Where anything may be posted."""
        return f"http://127.0.0.1:{self._port}/"

    def received(self) -> int:
        """How many requests came so far, whoever sent them, but for these questions."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", "/status")
            # The third line holds the counts of connections accepted, of those handled, and of requests.
            counts = connection.getresponse().read().split(b"\n")[2]
        finally:
            connection.close()
        self._asked += 1
        return int(counts.split()[2]) - self._asked

    def deliveries(self) -> list[tuple[float, str]]:
        """When each came (seconds since 1970) and its webhook-id, in that order, a second after the last one."""
        lines = (line.split() for line in (self._folder / _IDS).read_text().splitlines())
        return [(float(at_s), id_) for at_s, id_ in lines if id_ != "-"]
