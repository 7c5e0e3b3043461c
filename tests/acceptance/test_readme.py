"""Every command of the documentation is run as it stands, on real services.

A block ```sh is run in order, line after line, and so is a program marked `python run`; one marked `sh keep` is
started and goes on until the page ends, when it has to stop at a signal, hookline with 0. (`sh later` needs what came
before to have had its effect.) Only the environment stands between a page and this machine: HOOKLINE_ variables win
over the `.env` that a page writes, and `hookline` and `python3` are found on the PATH. Kafka's own tools are not.
"""

import base64
import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests import markdown
from tests.brands_page import write_acme
from tests.markdown import ROOT, Block
from tests.services import shared
from tests.services.kafka import Kafka
from tests.services.server import LocalProcess, free_port, listening

# A reader may have to wait for the one before: see `ports`.
pytestmark = pytest.mark.timeout(480)

RUN = {"sh", "sh keep", "sh later", "python run"}
_STEP_S = 90.0
_STOP_S = 15.0

_REAL = f'exec "{sys.executable}" -m'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A command that goes on."""

    command: str
    process: subprocess.Popen[bytes]
    log: Path


class Reader:
    """Somebody who follows a page, in a folder of their own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._tools = folder / "tools"
        self._tools.mkdir()
        self._exports = folder / "exports.sh"
        self._exports.touch()
        self._kept: list[_Kept] = []
        for name in ("docs", "schemas"):
            (folder / name).symlink_to(ROOT / name)
        self._tool("hookline", f'{_REAL} consumer.cli.app "$@"')
        self._tool("python3", f'exec "{sys.executable}" "$@"')
        # A command of make is not run from within `make test`: that its target exists is another test's.
        self._tool("make", "exit 0")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")},
            **environment,
            "PATH": f"{self._tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }

    def follow(self, block: Block) -> str:
        """Do what a block says; returns what it printed."""
        if block.info == "sh keep":
            self._keep(block)
            return ""
        if block.info == "python run":
            return self._run([sys.executable, "-c", self._here(block.text)], block)
        return self._run(
            ["bash", "-euo", "pipefail", "-c", self._sh(block.text) + f"\nexport -p > {self._exports}"], block
        )

    def printed(self, wanted: str) -> str:
        """Wait until something that was kept running printed this pattern; the line."""
        return self._awaited(wanted, self._kept)

    def all_printed(self, wanted: str) -> None:
        """Wait until everything that was kept running printed this pattern."""
        for kept in self._kept:
            self._awaited(wanted, [kept])

    def _awaited(self, wanted: str, among: Sequence[_Kept]) -> str:
        until_s = time.monotonic() + _STEP_S
        while time.monotonic() < until_s:
            for kept in among:
                if found := re.search(f"^.*{wanted}.*$", kept.log.read_text(), re.MULTILINE):
                    return found[0]
                assert kept.process.poll() is None, kept.log.read_text()
            time.sleep(0.1)
        logs = "\n".join(kept.log.read_text()[-3_000:] for kept in among)
        raise AssertionError(f"nothing printed {wanted!r}; it ends:\n{logs}")

    def until(self, command: str) -> None:
        """Wait until the command prints anything."""
        until_s = time.monotonic() + _STEP_S
        while not self.follow(Block(info="sh", text=command, line=0)):
            assert time.monotonic() < until_s, f"{command} printed nothing"

    def log_of(self, word: str) -> str:
        """What the command that was kept running and holds this word printed so far."""
        return next(kept.log.read_text() for kept in self._kept if word in kept.command)

    def stop(self) -> list[int]:
        """Ask everything that was kept running to stop, and return how hookline's ended."""
        codes = []
        while self._kept:
            kept = self._kept.pop()
            kept.process.send_signal(signal.SIGINT)
            try:
                code = kept.process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                kept.process.kill()
                kept.process.wait()
                raise AssertionError(f"it did not stop:\n{kept.log.read_text()[-3_000:]}") from None
            if kept.command.startswith("hookline"):
                codes.append(code)
        return codes

    def _keep(self, block: Block) -> None:
        log = self._folder / f"kept-{block.line}.log"
        command = block.text.strip()
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", self._sh(f"exec {command}")],
                cwd=self._folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._kept.append(_Kept(command=command, process=process, log=log))
        if command == "hookline run":  # the page says that it tells when it is ready
            self._awaited('"event": "ready"', self._kept[-1:])

    def _sh(self, text: str) -> str:
        return f"source {self._exports}\nPATH={self._tools}:$PATH\n{text}"

    def _run(self, command: list[str], block: Block) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_STEP_S,
            check=False,
        )
        assert done.returncode == 0, f"line {block.line}: {block.text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _here(self, program: str) -> str:
        """A snippet names the broker of its reader."""
        return program.replace("127.0.0.1:9092", self.environment["HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"])

    def _tool(self, name: str, line: str) -> None:
        path = self._tools / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)


@pytest.fixture
def ports() -> Iterator[None]:
    """The pages name ports for their endpoints, and one reader at a time may have them, in whatever worker."""
    with Path(os.environ[shared.VARIABLE]).with_name("pages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def reader(tmp_path: Path, private_kafka: Kafka, redis_url: str) -> Iterator[Reader]:
    """With a broker of its own: what a page calls its topics is then nobody else's."""
    write_acme(tmp_path / "brands")  # the files that docs/brands.md says to write
    follower = Reader(
        tmp_path,
        {
            "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": private_kafka.bootstrap,
            "HOOKLINE_REDIS_URL": redis_url,
            "HOOKLINE_PROCESSES": "1",  # the machine is shared
            "HOOKLINE_API_LISTEN": f"127.0.0.1:{free_port()}",
            "HOOKLINE_ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
        },
    )
    yield follower
    follower.stop()


def _runnable(page: str) -> list[Block]:
    """What a reader would run."""
    return [block for block in markdown.blocks(ROOT / page) if block.info in RUN]


def test_the_readme_from_an_empty_folder_to_verified_events_and_getting_started_from_there(
    ports: None, reader: Reader, registry_url: str
) -> None:
    reader.environment["HOOKLINE_SCHEMA_REGISTRY_URL"] = registry_url  # as the block of `make services` has it
    for block in _runnable("README.md"):
        reader.follow(block)
    for event_type in ("order.paid", "order.closed"):
        line = reader.printed(f'verified orders-.*"type":"{event_type}"')
        assert '"data":{"order": 42' in line
    printed = ""
    for block in _runnable("docs/getting-started.md"):
        if block.info == "sh later":
            reader.until("hookline dead-letters list --type order.lost --json")
        printed += reader.follow(block)
    for number in (50, 51, 52, 70, 71, 80):
        reader.printed(f'verified .*"order": {number}[,}}]')
    reader.printed('verified .*"type":"order.shipped",.*"data":{"order":90,"weight":"12.50"}')
    assert "already replayed" in printed
    reader.printed('verified test_.*"type":"order.paid"')
    assert len(re.findall("verified (?!test_)", reader.log_of("big.secret.json"))) == 1
    assert (
        len(re.findall('verified .*"order": 60}', reader.log_of("lost.secret.json"))) == 1
    )  # by the first replay only
    assert reader.stop() == [0]


OTHERS = [
    page.relative_to(ROOT).as_posix()
    for page in markdown.pages()
    if page.name not in {"README.md", "getting-started.md"}
    and any(block.info in RUN for block in markdown.blocks(page))
]


@pytest.mark.parametrize("page", OTHERS)
def test_the_other_pages_go_on_from_an_installation(reader: Reader, page: str) -> None:
    # What the README keeps running is not running here: its events are there before the first start.
    reader.environment["HOOKLINE_START"] = "earliest"
    for block in _runnable("README.md"):
        if block.info == "sh":
            reader.follow(block)
    for block in _runnable(page):
        reader.follow(block)
    reader.all_printed("partitions assigned")
    assert set(reader.stop()) <= {0}


# Node's is tried where there is Node.
ENDPOINTS = [["python3", "receive.py"], *([["node", "receive.mjs"]] if shutil.which("node") else [])]


@pytest.mark.parametrize("command", ENDPOINTS, ids=" ".join)
def test_the_example_endpoints_accept_what_verifies_and_nothing_else(tmp_path: Path, command: list[str]) -> None:
    port = free_port()
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    webhook = tmp_path / "webhook.json"
    webhook.write_text(json.dumps({"url": f"http://127.0.0.1:{port}/hooks", "secret": secret}))
    endpoint = LocalProcess(
        [
            sys.executable if command[0] == "python3" else command[0],
            str(ROOT / "docs" / "examples" / command[1]),
            str(webhook),
        ],
        log=tmp_path / "endpoint.log",
    )
    endpoint.start()
    try:
        _wait_for(port)
        body = '{"type":"order.paid","data":{"note":"café"}}'
        now = datetime.now(UTC)
        signed = _headers(secret, now, body)
        assert _answer(port, signed, body) == HTTPStatus.NO_CONTENT
        several = signed | {"webhook-signature": f"v1,AAAA v1a,BBBB {signed['webhook-signature']}"}
        assert _answer(port, several, body) == HTTPStatus.NO_CONTENT
        assert _answer(port, signed, body.replace("paid", "pald")) == HTTPStatus.UNAUTHORIZED
        assert _answer(port, signed | {"webhook-id": "other"}, body) == HTTPStatus.UNAUTHORIZED
        assert _answer(port, _headers(secret, now - timedelta(minutes=6), body), body) == HTTPStatus.UNAUTHORIZED
        assert _answer(port, {}, body) == HTTPStatus.UNAUTHORIZED
    finally:
        endpoint.stop()


def _headers(secret: str, at: datetime, body: str) -> dict[str, str]:
    """As Standard Webhooks' own library signs."""
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("evt_1", at, body),
    }


def _answer(port: int, headers: Mapping[str, str], body: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/hooks", body.encode(), dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


def _wait_for(port: int) -> None:
    until_s = time.monotonic() + 20
    while not listening(port):
        assert time.monotonic() < until_s, "the endpoint did not begin to listen"
        time.sleep(0.05)
