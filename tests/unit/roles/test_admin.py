"""The admin port on loopback, with clients that are slow, silent or worse."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from structlog.testing import capture_logs

from consumer.roles import admin_http
from consumer.roles.admin import Admin
from consumer.roles.admin_http import Answered, Asked
from consumer.roles.answering import KEPT_S, Answering
from consumer.roles.overview import Overview
from consumer.roles.role import Role
from consumer.roles.supervision import Member
from consumer.telemetry.exposition import OPENMETRICS, PROMETHEUS
from consumer.telemetry.snapshot import Snapshot, framed

A = Member(role=Role.DELIVER, slot=0)
BUILD = {"version": "1", "python": "3", "librdkafka": "2"}
GOOD = Snapshot(lacks=(), values=(("hookline_deliveries_waiting", (), 5.0),), histograms=())


def until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until_s, "not within 10 s"
        time.sleep(0.01)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])


class Port:
    """An admin port, and ways to ask it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.admin = Admin(f"127.0.0.1:{port}", Overview([A], BUILD))
        self.admin.start()
        until(lambda: can_connect(port))

    def open(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def ask(self, path: str = "/readyz", *lines: str, method: str = "GET") -> tuple[int, str, str]:
        return self.send("\r\n".join((f"{method} {path} HTTP/1.1", "Host: x", *lines, "", "")).encode())

    def send(self, request: bytes) -> tuple[int, str, str]:
        with closing(self.open()) as client:
            client.sendall(request)
            came = b"".join(iter(lambda: client.recv(65_536), b""))
        head, _, body = came.decode().partition("\r\n\r\n")
        return int(head.split(" ")[1]), head, body


@pytest.fixture(scope="module")
def port() -> Port:
    with capture_logs():
        return Port(free_port())


@pytest.fixture
def pipe(port: Port) -> Iterator[int]:
    reading, writing = os.pipe()
    port.admin.started(A, 11, reading)
    os.write(writing, framed(GOOD))
    until(lambda: port.ask()[0] == 200)
    yield writing
    os.close(writing)
    port.admin.ended(A, 0)
    until(lambda: port.ask()[0] == 503)


def test_it_tells_what_processes_tell(port: Port, pipe: int) -> None:
    status, head, body = port.ask("/metrics")
    assert status == 200
    assert f"Content-Type: {PROMETHEUS}" in head
    assert 'hookline_deliveries_waiting{role="deliver",slot="0"} 5\n' in body
    assert f"Content-Length: {len(body)}" in head


def test_the_format_is_negotiated(port: Port, pipe: int) -> None:
    _, head, body = port.ask("/metrics", "Accept: application/openmetrics-text; version=1.0.0, */*;q=0.1")
    assert f"Content-Type: {OPENMETRICS}" in head
    assert body.endswith("# EOF\n")


def test_probes_and_status(port: Port, pipe: int) -> None:
    assert (port.ask("/livez")[0], port.ask("/readyz")[0]) == (200, 200)
    assert json.loads(port.ask("/status?x=1")[2])["processes"][0]["pid"] == 11
    os.write(pipe, framed(Snapshot(lacks=("Kafka does not answer",), values=(), histograms=())))
    until(lambda: port.ask("/readyz")[0] == 503)
    assert json.loads(port.ask("/readyz")[2])["reasons"] == ["deliver/0: Kafka does not answer"]
    assert port.ask("/livez")[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\n\r\n", 404),
        (b"GET /readyz\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"GET /readyz HTTP/2\r\n\r\n", 400),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"GET /metrics HTTP/1.1\r\nX: " + bytes(admin_http.HEAD_BYTES), 431),
    ],
)
def test_what_is_no_question_is_refused(port: Port, request_: bytes, status: int) -> None:
    assert port.send(request_)[0] == status


def test_a_head_has_no_body(port: Port) -> None:
    status, head, body = port.ask("/metrics", method="HEAD")
    assert status == 200
    assert body == ""
    assert "Content-Length: 0" not in head


def test_silent_clients_do_not_keep_others_out(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_http, "HEAD_S", 300.0)
    with ExitStack() as held:
        silent = [held.enter_context(closing(port.open())) for _ in range(admin_http.MOST * 2)]
        for client in silent[-10:]:
            client.sendall(b"GET /metr")

        assert port.ask("/livez")[0] == 200
        silent[0].settimeout(20)
        assert silent[0].recv(1) == b"", "the longest was cut off for whoever came"


def test_who_does_not_end_his_question_is_cut_off(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_http, "HEAD_S", 0.2)
    with closing(port.open()) as client:
        client.sendall(b"GET /")
        assert client.recv(1) == b""


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_http, "READ_S", 0.3)
    overview = Overview([A], BUILD)
    overview.started(time.monotonic(), A, 11)
    much = tuple(("hookline_records_unstarted", ("orders", str(number)), 1.0) for number in range(150_000))
    overview.heard(time.monotonic(), A, 11, Snapshot(lacks=(), values=much, histograms=()))
    number = free_port()
    with capture_logs():
        Admin(f"127.0.0.1:{number}", overview).start()
        until(lambda: can_connect(number))
    with closing(socket.create_connection(("127.0.0.1", number), 30)) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        head = client.recv(500)
        time.sleep(1.0)
        whole = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        assert rest(client) < whole * 0.9, "the connection was ended with most of it unsent"


def can_connect(number: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", number), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def rest(client: socket.socket) -> int:
    """How many bytes still come."""
    try:
        return sum(map(len, iter(lambda: client.recv(1 << 20), b"")))
    except ConnectionResetError:
        return 0


def test_a_process_that_tells_nonsense_is_heard_no_more(port: Port) -> None:
    reading, writing = os.pipe()
    port.admin.started(A, 12, reading)
    with capture_logs() as lines:
        os.write(writing, b"\xff\xff\xff\xff nonsense")
        until(lambda: any(line["event"] == "a process tells what cannot be read" for line in lines))
    with pytest.raises(BrokenPipeError):
        until(lambda: os.write(writing, b"more") < 0)
    os.close(writing)
    port.admin.ended(A, 70)


def test_an_address_in_use_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.roles.admin._AGAIN_S", 0.05)
    taken = socket.create_server(("127.0.0.1", 0))
    with capture_logs() as lines:
        admin = Admin(f"127.0.0.1:{taken.getsockname()[1]}", Overview([A], BUILD))
        admin.start()
        until(lambda: any(line["event"] == "the admin address is in use" for line in lines))
        taken.close()
        until(lambda: any(line["event"] == "admin port" for line in lines))


def test_a_host_that_no_name_server_knows_yet_is_told_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.roles.admin._AGAIN_S", 0.05)
    hosts: dict[str, str] = {}

    def asked(host: str, port: int, **rest: int) -> object:
        if host not in hosts:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return getaddrinfo(hosts[host], port, **rest)

    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", asked)
    with capture_logs() as lines:
        Admin("admin.example:0", Overview([A], BUILD)).start()
        until(lambda: any(line["event"] == "the admin address cannot be bound" for line in lines))
        hosts["admin.example"] = "127.0.0.1"
        until(lambda: any(line["event"] == "admin port" for line in lines))


def test_an_answer_is_made_once_a_moment_whoever_asks() -> None:
    now_s = 100.0
    overview = Overview([A], BUILD)
    overview.started(now_s, A, 11)
    answering = Answering(overview, lambda: now_s)

    def ask() -> Answered:
        return answering.answer(Asked(path="/readyz", accept=""))

    before = ask()
    overview.heard(now_s, A, 11, GOOD)
    assert ask() is before
    now_s += KEPT_S
    assert ask().status == 200
