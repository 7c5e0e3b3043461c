"""The health check and `hookline status`, against an HTTP server of the standard library."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from consumer.cli import probe
from tests.commands import call
from tests.services.server import free_port


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"reasons": ["deliver/0: Kafka does not answer"]}'
        self.send_response(200 if self.path == "/livez" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # as it is called
        pass


@pytest.fixture
def listen() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def probed(monkeypatch: pytest.MonkeyPatch, listen: str, *arguments: str) -> int:
    monkeypatch.setenv("HOOKLINE_ADMIN_LISTEN", listen)
    monkeypatch.setattr(sys, "argv", ["probe", *arguments])
    return probe.main()


def test_a_container_is_healthy_when_its_supervisor_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], listen: str
) -> None:
    assert probed(monkeypatch, listen) == 0
    assert probed(monkeypatch, listen, "readyz") == 1
    assert "Kafka does not answer" in capsys.readouterr().err
    assert probed(monkeypatch, f"127.0.0.1:{free_port()}") == 1
    assert probed(monkeypatch, "") == 0, "there is no port to ask"


def test_the_health_check_loads_nothing_of_hookline_but_itself() -> None:
    loaded = (
        "import sys, consumer.cli.probe; print(sorted(each for each in sys.modules if each.startswith('consumer.'))); "
        "print([each for each in ('pydantic', 'structlog', 'confluent_kafka') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    ours = ["consumer.cli", "consumer.cli.probe", "consumer.telemetry", "consumer.telemetry.admin_client"]
    assert done.stdout.splitlines() == [str(ours), "[]"]


def test_status_says_who_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], listen: str
) -> None:
    place = f"127.0.0.1:{free_port()}"
    assert call(["status", "--at", place]) == 69
    assert f"no supervisor answers at {place}" in capsys.readouterr().err
    assert call(["status", "--at", listen]) == 69
    assert "HTTP 503" in capsys.readouterr().err
    monkeypatch.setenv("HOOKLINE_ADMIN_LISTEN", "")
    assert call(["status"]) == 64
    assert "HOOKLINE_ADMIN_LISTEN" in capsys.readouterr().err
