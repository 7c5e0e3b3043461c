"""Several brokers on this machine, or brokers in a network namespace of their own whose wire can be cut.

The law: nothing outside what is made here is touched: the processes, one namespace and one pair of virtual wires.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.services.broker import QUICK, broker
from tests.services.kafka import PROPERTIES
from tests.services.server import LocalProcess, ServiceError, free_port

_READY_WITHIN_S: Final = 90.0
_NAMESPACE: Final = "hookline-chaos"
_OURS, _THEIRS = "10.203.117.1", "10.203.117.2"


class Brokers:
    """KRaft brokers that are controllers too. `kill`, `pause` and the like are for the one that `victim` numbers."""

    def __init__(self, folder: Path, number: int, *, host: str = "127.0.0.1", within: Sequence[str] = ()) -> None:
        """Start them; `within` is put before each command."""
        ports = [(free_port(), free_port()) for _ in range(number)]
        voters = ",".join(f"{each + 1}@{host}:{controller}" for each, (_, controller) in enumerate(ports))
        copies = str(number)
        common = {
            **PROPERTIES,
            "controller.quorum.voters": voters,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "default.replication.factor": copies,
            "min.insync.replicas": str(min(2, number)),
            "transaction.state.log.min.isr": str(min(2, number)),
        }
        self.victim = 0
        self.bootstrap = ",".join(f"{host}:{port}" for port, _ in ports)
        self._servers = [
            _broker(folder / str(each), {**common, "node.id": str(each + 1)}, host=host, ports=pair, within=within)
            for each, pair in enumerate(ports)
        ]
        for server in self._servers:
            server.start()
        self._await(number)

    def kill(self) -> None:
        """SIGKILL the victim."""
        self._servers[self.victim].kill()

    def restart(self) -> None:
        """Start the victim again."""
        self._servers[self.victim].start()
        self._await(len(self._servers))

    def pause(self) -> None:
        """SIGSTOP the victim."""
        self._servers[self.victim].pause()

    def resume(self) -> None:
        """SIGCONT it."""
        self._servers[self.victim].resume()

    def stop(self) -> None:
        """End all."""
        for server in self._servers:
            server.kill()

    def _await(self, number: int) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        until_s = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < until_s:
            try:
                if len(admin.list_topics(timeout=5.0).brokers) == number:
                    return
            except KafkaException:
                pass  # not yet
            time.sleep(0.1)
        self.stop()
        raise ServiceError("\n".join(server.log_tail() for server in self._servers))


class Wire:
    """The way into a namespace."""

    prefix = ("ip", "netns", "exec", _NAMESPACE)
    host = _THEIRS

    def cut(self) -> None:
        """Nothing passes, and nobody is told."""
        _run(*self.prefix, "ip", "link", "set", "hl-chaos1", "down")

    def mend(self) -> None:
        """It passes again."""
        _run(*self.prefix, "ip", "link", "set", "hl-chaos1", "up")


@contextmanager
def wire() -> Iterator[Wire]:
    """A namespace with one wire to us, which goes with this context. Needs root.

    Raises:
        ServiceError: this machine does not allow it.
    """
    made = Wire()
    try:
        _run("ip", "netns", "add", _NAMESPACE)
        _run("ip", "link", "add", "hl-chaos0", "type", "veth", "peer", "name", "hl-chaos1", "netns", _NAMESPACE)
        _run("ip", "addr", "add", f"{_OURS}/30", "dev", "hl-chaos0")
        _run("ip", "link", "set", "hl-chaos0", "up")
        _run(*made.prefix, "ip", "addr", "add", f"{_THEIRS}/30", "dev", "hl-chaos1")
        _run(*made.prefix, "ip", "link", "set", "lo", "up")
        made.mend()
        yield made
    finally:
        subprocess.run(["ip", "netns", "del", _NAMESPACE], capture_output=True, check=False)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of so many megabytes on the folder, which goes with this context. Needs root.

    Raises:
        ServiceError: this machine does not allow it.
    """
    folder.mkdir(parents=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*words: str) -> None:
    if shutil.which(words[0]) is None:
        raise ServiceError(f"{words[0]} is not installed")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServiceError(f"{' '.join(words)}: {done.stderr.strip()}")


def _broker(
    folder: Path, common: Mapping[str, str], *, host: str, ports: tuple[int, int], within: Sequence[str]
) -> LocalProcess:
    folder.mkdir(parents=True)
    port, controller = ports
    properties = {
        **common,
        "listeners": f"PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{host}:{port}",
    }
    return broker(folder, properties, java=("-Xmx400m", *QUICK), within=within)
