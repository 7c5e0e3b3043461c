"""A pod of the chart on this machine: one supervisor with one role, and what the kubelet does to it.

The law: as the chart has it. A pod has its own state directory, which goes with it (an emptyDir), and its own name,
which stays where a StatefulSet owns it; it is ready when /readyz says so; its end is SIGTERM and then patience.
"""

import http.client
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.acceptance.hookline import Hookline, hookline
from tests.acceptance.stage import Stage
from tests.chaos.arena import LATE
from tests.chaos.rolling.versions import Version
from tests.services.server import free_port

READY_WITHIN_S: Final = 180.0
_LOOK_EVERY_S: Final = 0.5
_ASK_S: Final = 5.0
STATIC_SESSION_S: Final = 30
"""The chart's `staticSessionSeconds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A pod that was stopped and started again, or followed by another one."""

    at_ms: int
    name: str
    exit_code: int
    took_s: float


class NotReady(Exception):  # noqa: N818 # it names a state, as the glossary does
    """A pod did not become ready in time. The message says which, and how its log ends."""


class Pod:
    """One life of a pod. `number` is its place in a StatefulSet."""

    def __init__(self, stage: Stage, role: str, number: int, version: Version, life: int, *, static: bool) -> None:
        self.name = f"{role}-{number}"
        self.role = role
        self.version = version
        self.address = f"127.0.0.1:{free_port()}"
        self._open = ExitStack()
        state = stage.folder / "pods" / self.name
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True)
        self._running: Hookline = self._open.enter_context(
            hookline(
                {**stage.environment, **self._environment(state, static=static), **version.environment},
                stage.folder,
                role,
                log_name=f"hookline-{self.name}-{life}-{version.name}.log",
                python=version.python,
            )
        )

    def _environment(self, state: Path, *, static: bool) -> Mapping[str, str]:
        mine = {
            "HOOKLINE_STATE_DIR": str(state),
            "HOOKLINE_ADMIN_LISTEN": self.address,
            "HOOKLINE_API_LISTEN": f"127.0.0.1:{free_port()}",
            "HOOKLINE_MEMBERSHIP": "static" if static else "dynamic",
            "HOOKLINE_PROCESSES": "1",
        }
        return mine | ({"HOOKLINE_KAFKA_SESSION_TIMEOUT_MS": str(STATIC_SESSION_S * 1_000)} if static else {})

    def ask(self, path: str) -> tuple[int, str]:
        """What the admin port answers; 0 where nothing does."""
        host, _, port = self.address.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=_ASK_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def await_ready(self) -> None:
        """Wait for it as a rollout does.

        Raises:
            NotReady: it took too long, or ended.
        """
        until_s = time.monotonic() + READY_WITHIN_S
        said = ""
        while time.monotonic() < until_s and self._running.running:
            status, said = self.ask("/readyz")
            if status == http.HTTPStatus.OK:
                return
            time.sleep(_LOOK_EVERY_S)
        raise NotReady(f"{self.name} of {self.version.name} is not ready ({said.strip()}):\n{self._running.tail}")

    def stop(self) -> int:
        """SIGTERM, and wait; its exit code, LATE when it had to be killed."""
        try:
            code, _ = self._running.stop()
        except subprocess.TimeoutExpired:
            code = LATE
        self._open.close()
        return code

    def close(self) -> None:
        """Whatever it does."""
        self._open.close()
