"""One Redis without persistence: what it held is gone when it stops, as a cache's contents may be."""

import shutil
import socket
from pathlib import Path
from typing import Self

from tests.services import engine
from tests.services.server import LocalProcess, Server, ServiceError, free_port, wait_until_ready

IMAGE = "redis:7.4"
DATABASES = 64
READY_WITHIN_S = 20.0
# noeviction: Hookline insists on it.
OPTIONS = ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--databases", str(DATABASES)]


class Redis:
    """A Redis on a free loopback port."""

    def __init__(self, server: Server, port: int) -> None:
        self._server = server
        self._port = port

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start one with its log in `folder`.

        Raises:
            ServiceError: neither redis-server nor a container engine is here, or it did not start.
        """
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        if path := shutil.which("redis-server"):
            command = [path, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *OPTIONS]
            server: Server = LocalProcess(command, log=folder / "redis.log")
        elif container := engine.find():
            arguments = ["redis-server", *OPTIONS]
            server = engine.Container(container, IMAGE, port=port, inner_port=6379, arguments=arguments)
        else:
            raise ServiceError("Redis needs redis-server or a container engine; neither answers")
        redis = cls(server, port)
        redis._begin()
        return redis

    def url(self, database: int = 0) -> str:
        """For HOOKLINE_REDIS_URL."""
        return f"redis://127.0.0.1:{self._port}/{database}"

    @property
    def pid(self) -> int | None:
        """Of the local process; None in a container."""
        return self._server.pid if isinstance(self._server, LocalProcess) else None

    def stop(self) -> None:
        """A clean shutdown."""
        self._server.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._server.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and silent."""
        self._server.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self._server.resume()

    def restart(self) -> None:
        """Start again, empty, on the same port, stopping first if it runs.

        Raises:
            ServiceError: it did not start.
        """
        if self._server.alive():
            self._server.stop()
        self._begin()

    def _begin(self) -> None:
        self._server.start()
        wait_until_ready("Redis", self._server, self._ready, within_s=READY_WITHIN_S)

    def _ready(self) -> bool:
        # Behind a container's proxy the port accepts before Redis does: only an answer counts.
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
