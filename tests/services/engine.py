"""Docker or Podman, where one answers and the local parts are missing: the same servers in containers."""

import atexit
import functools
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from tests.services.server import Guard, ServiceError


@functools.cache
def find() -> str | None:
    """The container engine that answers, or None. An installed client without its daemon does not answer."""
    for name in ("docker", "podman"):
        path = shutil.which(name)
        if path is None:
            continue
        try:
            answer = subprocess.run([path, "info"], capture_output=True, timeout=10, check=False)
        except subprocess.TimeoutExpired:
            continue
        if answer.returncode == 0:
            return path
    return None


# Never released: a container keeps its data while it is stopped, and is removed when this process ends.
_guards: list[Guard] = []


@atexit.register
def _remove_all() -> None:
    """At an ordinary end nobody is left to wait for the guards, so they act before it."""
    while _guards:
        _guards.pop().carry_out()


class Container:
    """A server as a container with one published loopback port. It is removed when this process ends."""

    def __init__(
        self,
        engine: str,
        image: str,
        *,
        port: int,
        inner_port: int,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self._engine = engine
        self._name = f"hookline-test-{secrets.token_hex(6)}"
        self._create = ["create", "--name", self._name, "--publish", f"127.0.0.1:{port}:{inner_port}"]
        for key, value in (environment or {}).items():
            self._create += ["--env", f"{key}={value}"]
        self._create += [image, *arguments]
        self._created = False

    def start(self) -> None:
        if not self._created:
            self._run(*self._create)
            self._created = True
            _guards.append(Guard(f"{self._engine} rm --force {self._name}"))
        self._run("start", self._name)

    def stop(self) -> None:
        self._run("stop", self._name)

    def kill(self) -> None:
        if self.alive():
            self._run("kill", self._name)

    def pause(self) -> None:
        self._run("pause", self._name)

    def resume(self) -> None:
        self._run("unpause", self._name)

    def alive(self) -> bool:
        return self._run("inspect", "--format", "{{.State.Running}}", self._name).strip() == "true"

    def log_tail(self) -> str:
        return self._run("logs", "--tail", "30", self._name)

    def _run(self, *arguments: str) -> str:
        answer = subprocess.run([self._engine, *arguments], capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise ServiceError(f"{self._engine} {arguments[0]}: {answer.stderr.strip()}")
        return answer.stdout
