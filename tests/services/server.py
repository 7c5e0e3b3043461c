"""A server that was started is stopped: when asked, when its starter exits, and when its starter is killed.

`Server` is what a test may do to one; `LocalProcess` is the ordinary kind, `engine.Container` the other.
"""

import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

STOP_S = 15.0


class ServiceError(Exception):
    """A service could not be started; the message says what to do or what its log ends with."""


class Server(Protocol):
    """The life of a server. A stopped or killed one may be started again, with its data."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def alive(self) -> bool: ...

    def log_tail(self) -> str: ...


class Guard:
    """Runs a shell command when this process ends without having called `release`, even by SIGKILL.

    A tiny shell waits on a pipe that only we hold: the kernel closes it for us, whatever ends us.
    """

    def __init__(self, command: str) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", f"read -r _ || {command}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for us, not for the guard
        )

    def release(self) -> None:
        """Let go without running the command."""
        self._shell.communicate(b"released\n")

    def carry_out(self) -> None:
        """Run the command now, and wait for its end."""
        self._shell.communicate()


class LocalProcess:
    """A server as a child process in a session of its own; its output goes to a file."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._command = list(command)
        self._log = log
        self._environment = dict(environment) if environment is not None else None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None

    @property
    def pid(self) -> int:
        """Of the running process.

        Raises:
            ServiceError: it does not run.
        """
        if self._process is None:
            raise ServiceError(f"{self._command[0]} is not running")
        return self._process.pid

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        # Nobody waits for a clean shutdown once we are gone, so SIGKILL; it also ends a paused process.
        self._guard = Guard(f"kill -KILL {self._process.pid}")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._ended()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._ended()

    def pause(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-2_000:] if self._log.exists() else ""

    def _ended(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None
        if self._guard is not None:
            self._guard.release()
            self._guard = None


def listening(port: int) -> bool:
    """Whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def usual_or_free(usual: int) -> int:
    """The port where people expect a server, if nobody else listens there; else a free one."""
    with socket.socket() as probe:
        # Connections that have just ended there are no reason to go elsewhere.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", usual))
        except OSError:
            return free_port()
    return free_port() if listening(usual) else usual


def free_port() -> int:
    """A loopback port nobody listens on.

    Below the range that the kernel gives to outgoing connections: a client that keeps connecting to a stopped server
    could otherwise take its port, or even connect to itself.
    """
    while True:
        port = 12_000 + secrets.randbelow(18_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
