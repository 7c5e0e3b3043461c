"""One Redis without persistence: what it held is gone when it stops, as a cache's contents may be."""

import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.services import engine
from tests.services.server import LocalProcess, Server, ServiceError, free_port
from tests.services.service import Service

IMAGE = "redis:7.4"
DATABASES = 64
# noeviction: Hookline insists on it.
OPTIONS = ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--databases", str(DATABASES)]


class Redis(Service):
    """A Redis on a free loopback port."""

    name = "Redis"

    @classmethod
    def start(cls, folder: Path, options: Sequence[str] = (), *, port: int | None = None) -> Self:
        """Start one with its log in `folder`; `options` go after OPTIONS, a `port` of None is any free one.

        Raises:
            ServiceError: neither redis-server nor a container engine is here, or it did not start.
        """
        folder.mkdir(parents=True, exist_ok=True)
        port = port or free_port()
        if path := shutil.which("redis-server"):
            command = [path, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *OPTIONS, *options]
            server: Server = LocalProcess(command, log=folder / "redis.log")
        elif container := engine.find():
            arguments = ["redis-server", *OPTIONS, *options]
            server = engine.Container(container, IMAGE, port=port, inner_port=6379, arguments=arguments)
        else:
            raise ServiceError("Redis needs redis-server or a container engine; neither answers")
        return cls(server, port)

    def url(self, database: int = 0) -> str:
        """For HOOKLINE_REDIS_URL."""
        return f"redis://127.0.0.1:{self._port}/{database}"

    def ready(self) -> bool:
        """Whether it answers PING, if only to ask for a password. A container's proxy accepts before Redis does."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False
