"""An answer that kills whoever reads it, as a fault in OpenSSL would: real processes, a real socket, SIGKILL.

The process holds the real core, the mark and the default engine, without Kafka: its two records are read again at each
start, as they are where nothing was committed.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread

import pytest

from consumer.delivery.core import Core
from consumer.delivery.names import Names
from consumer.delivery.offsets import Position
from consumer.delivery.step import Reject
from consumer.http import socket_exchange
from consumer.http.answer_reader import AnswerReader
from consumer.http.guard import AddressGuard
from consumer.http.sockets import SocketsTransport
from consumer.roles.blame import DEATHS, Blame
from consumer.webhooks.reader import Loaded
from tests.deliveries import NOW_MS, event, record_at, rules, subscription, target_of

ROOT = Path(__file__).parents[2]
PLACE = ("events", 0)
DEADLY = "evt_0"


class Deadly(AnswerReader):
    """Dies of a header that says so."""

    def read(self, received: bytes) -> bool:
        if b"\ndeadly:" in received.lower():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(received)


def live(mark: Path, url: str) -> None:
    """One life: until both records have ended. Prints how, for the poisoned ones."""
    guard = AddressGuard((ip_network("127.0.0.1/32"),))
    core = Core(
        rules(),
        decode=lambda record: event(f"evt_{record.offset}", offset=record.offset),
        target=target_of,
        mark=Blame(mark),
        names=Names(guard.refuses),
    )
    transport = SocketsTransport(guard, hand=core)
    core.assigned({PLACE: Position(0)})
    core.records(
        NOW_MS,
        [record_at(PLACE, offset) for offset in (0, 1)],
    )
    while core.positions()[PLACE].offset < 2:
        step = core.next(NOW_MS, NOW_MS)
        for tenant in step.load:
            core.loaded(NOW_MS, tenant, Loaded(version="1", subscriptions=(subscription(url=url),)))
        for token, request in step.send:
            transport.submit(token, request)
        for token, write in step.write:
            assert isinstance(write, Reject)
            sys.stdout.write(f"{write.record.offset} {write.poison.reason}\n")
            core.acknowledged(token)
        for token, answer in transport.poll(0.05):
            core.answered(NOW_MS, token, answer)
    transport.close()


class Answers(BaseHTTPRequestHandler):
    """200 to everybody, with a deadly header to one event."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        if self.headers["webhook-id"].endswith(DEADLY):
            self.send_header("Deadly", "yes")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the library's name
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def lives(mark: Path, url: str) -> None:
    """One process after the other in the same slot, until one ends by itself. Prints how each ended."""
    socket_exchange.AnswerReader = Deadly  # type: ignore[attr-defined] # planted in this process and its children
    for _ in range(2 * DEATHS):
        pid = os.fork()
        if not pid:
            live(mark, url)
            sys.stdout.flush()
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(f"ended {status}\n")
        sys.stdout.flush()
        if not status:
            return


def test_the_third_process_that_an_answer_kills_is_the_last_and_all_else_is_delivered(tmp_path: Path, url: str) -> None:
    code = "import sys; from pathlib import Path; from tests.integration.test_deadly_answer import lives; "
    family = subprocess.run(
        [sys.executable, "-c", code + "lives(Path(sys.argv[1]), sys.argv[2])", str(tmp_path / "mark"), url],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert family.stdout.splitlines() == [f"ended {-signal.SIGKILL}"] * DEATHS + ["0 deadly", "ended 0"]
