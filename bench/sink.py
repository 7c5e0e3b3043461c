"""The sink: nginx, one worker, which answers every POST with 200, or below /bad/ with 503, and counts it.

The law: `received` counts every request but our own questions, so "all were delivered" is nginx's word, not ours; where
the ids are wanted, they are nginx's word too.
"""

import http.client
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    keepalive_requests {most};
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
        location /bad/ {{ return 503; }}
        location = /status {{ stub_status; }}
    }}
    {secure}
}}
"""
_SECURE = """
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_session_cache {cache};
        ssl_session_tickets {tickets};
        keepalive_requests {requests};
        location / {{ return 200 "ok"; }}
    }}
"""
_MOST_REQUESTS = 1_000_000_000
_IDS = "ids.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secure:
    """TLS by these files. Connections are `kept`, or each is closed behind its answer; a session `resumes`, or not."""

    certificate: Path
    key: Path
    kept: bool = True
    resumes: bool = True


@contextmanager
def sinking(folder: Path, *, noting_ids: bool = False, secure: Secure | None = None) -> "Iterator[Sink]":
    """One of somebody's own, until the block ends. Raises as `Sink.start`."""
    sink = Sink.start(folder, noting_ids=noting_ids, secure=secure)
    try:
        yield sink
    finally:
        sink.stop()


class Sink(Service):
    """An nginx on a free loopback port."""

    name = "nginx"

    @classmethod
    def start(cls, folder: Path, *, noting_ids: bool = False, secure: Secure | None = None) -> Self:
        """Start one with its files in `folder`.

        Raises:
            ServiceError: there is no nginx, or it did not start.
        """
        path = shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/opt/homebrew/bin")
        if path is None:
            raise ServiceError("the sink is nginx, and it is not installed: apt-get install nginx-core wrk")
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        secure_port, by_tls = None, ""
        if secure is not None:
            secure_port = free_port()
            by_tls = _secure(secure, secure_port)
        config = folder / "nginx.conf"
        ids = f"{folder / _IDS} ids buffer=64k flush=1s" if noting_ids else "off"
        config.write_text(_CONFIG.format(folder=folder, port=port, ids=ids, most=_MOST_REQUESTS, secure=by_tls))
        command = [path, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
        return cls(LocalProcess(command, log=folder / "output.log"), port, folder, secure_port)

    def __init__(self, server: LocalProcess, port: int, folder: Path, secure_port: int | None) -> None:
        self._asked = 0
        self._folder = folder
        self._secure_port = secure_port
        super().__init__(server, port)

    def ready(self) -> bool:
        return listening(self._port)

    @property
    def url(self) -> str:
        """Where anything may be posted."""
        if self._secure_port is not None:
            return f"https://127.0.0.1:{self._secure_port}/"
        return f"http://127.0.0.1:{self._port}/"

    def of_origin(self, number: int) -> str:
        """The same by a name of its own, which leads there as every name below `localhost` does (RFC 6761)."""
        return f"http://o{number}.localhost:{self._port}/"

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


def _secure(secure: Secure, port: int) -> str:
    return _SECURE.format(
        port=port,
        certificate=secure.certificate,
        key=secure.key,
        cache="shared:tls:10m" if secure.resumes else "off",
        tickets="on" if secure.resumes else "off",
        requests=_MOST_REQUESTS if secure.kept else 1,
    )
