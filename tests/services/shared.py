"""One server of each kind serves the whole test run, however many workers ask: the first question starts it.

The controller owns the servers and answers on a Unix socket, a name in, an address out; workers find it by the
environment. Nothing starts for a run whose tests ask for nothing.
"""

import os
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.services.kafka import Kafka
from tests.services.redis import Redis
from tests.services.registry import Registry
from tests.services.server import ServiceError
from tests.services.service import Service

VARIABLE = "TEST_SERVICES"


class Shared:
    """The owner of the shared servers."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hookline-tests-"))
        self._locks = {name: threading.Lock() for name in STARTERS}
        self._running: dict[str, tuple[Service, str]] = {}
        self._listener = _Listener(str(self.folder / "socket"), self.address)
        self._thread = threading.Thread(target=self._listener.serve_forever, name="shared services", daemon=True)

    def open(self) -> Self:
        """Begin to answer, and tell this process and those it starts where."""
        self._thread.start()
        os.environ[VARIABLE] = str(self.folder / "socket")
        return self

    def address(self, name: str) -> str:
        """The address of a server, started at the first call."""
        with self._locks[name]:
            if name not in self._running:
                self._running[name] = STARTERS[name](self.folder / name)
            return self._running[name][1]

    def close(self) -> None:
        """Stop every server that was started, and remove their data."""
        del os.environ[VARIABLE]
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
        for server, _ in self._running.values():
            server.stop()
        shutil.rmtree(self.folder)


def ask(name: str) -> str:
    """The address of the shared server `name`, from any process of the run.

    Raises:
        ServiceError: it could not be started.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ[VARIABLE])
        connection.sendall(f"{name}\n".encode())
        with connection.makefile(encoding="utf-8") as answers:
            kind, _, text = answers.read().partition(" ")
    if kind != "at":
        raise ServiceError(text)
    return text


def _kafka(folder: Path) -> tuple[Service, str]:
    kafka = Kafka.start(folder)
    return kafka, kafka.bootstrap


def _redis(folder: Path) -> tuple[Service, str]:
    redis = Redis.start(folder)
    return redis, redis.url()


def _registry(folder: Path) -> tuple[Service, str]:
    registry = Registry.start(folder)
    return registry, registry.url


STARTERS: dict[str, Callable[[Path], tuple[Service, str]]] = {
    "kafka": _kafka,
    "redis": _redis,
    "registry": _registry,
}


class _Listener(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, address: Callable[[str], str]) -> None:
        self.address = address
        super().__init__(path, _Answer)


class _Answer(socketserver.StreamRequestHandler):
    server: _Listener

    def handle(self) -> None:
        name = self.rfile.readline().decode().strip()
        try:
            answer = f"at {self.server.address(name)}"
        except ServiceError as error:
            answer = f"failed {error}"
        self.wfile.write(answer.encode())
