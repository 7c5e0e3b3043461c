"""What every service of ours has: a server on one loopback port, and a way to tell that it answers."""

import time
from abc import ABC, abstractmethod
from typing import ClassVar

from tests.services.server import LocalProcess, Server, ServiceError


class Service(ABC):
    """A running service. It keeps its port for as long as the object lives."""

    name: ClassVar[str]
    ready_within_s: ClassVar[float] = 60.0

    def __init__(self, server: Server, port: int) -> None:
        """Start `server` and wait until it answers.

        Raises:
            ServiceError: it ended, or did not answer in time; it has been killed.
        """
        self._server = server
        self._port = port
        self._begin()

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers now."""

    @property
    def pid(self) -> int | None:
        """Of the local process; None in a container.

        Raises:
            ServiceError: it does not run.
        """
        return self._server.pid if isinstance(self._server, LocalProcess) else None

    def stop(self) -> None:
        """A clean shutdown."""
        self._server.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._server.kill()

    def pause(self) -> None:
        """SIGSTOP: its connections stay open and silent."""
        self._server.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self._server.resume()

    def restart(self) -> None:
        """Start again on the same port, stopping first if it runs; what was on its disk is there again.

        Raises:
            ServiceError: as at the first start.
        """
        if self._server.alive():
            self._server.stop()
        self._begin()

    def _begin(self) -> None:
        self._server.start()
        deadline = time.monotonic() + self.ready_within_s
        while self._server.alive() and time.monotonic() < deadline:
            if self.ready():
                return
            time.sleep(0.05)
        tail = self._server.log_tail()
        self._server.kill()
        raise ServiceError(f"{self.name} did not answer within {self.ready_within_s:.0f} s; its log ends with:\n{tail}")
