"""The receiver as the test sees it: a process to start, the URLs of its endpoints, and what it noted."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from tests.acceptance.receiver import Endpoint

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One request as it arrived. `status` 0: it was never answered."""

    at_ms: int
    endpoint: str
    webhook_id: str
    status: int
    body: bytes

    @property
    def accepted(self) -> bool:
        return self.status == HTTPStatus.OK


class Receiver:
    """A running receiver. Its log is read on, never from the beginning again."""

    def __init__(self, log: Path, ports: dict[str, int]) -> None:
        self._log: BinaryIO = log.open("rb")
        self._ports = ports
        self._rest = b""
        self.receipts: list[Receipt] = []

    def url(self, endpoint: Endpoint) -> str:
        return f"http://127.0.0.1:{self._ports[endpoint.temper]}/{endpoint.name}"

    def read(self) -> list[Receipt]:
        """What came since the last call; `receipts` has all."""
        *lines, self._rest = (self._rest + self._log.read()).split(b"\n")
        new = [_receipt(line) for line in lines]
        self.receipts += new
        return new

    def close(self) -> None:
        self._log.close()


@contextmanager
def receiving(endpoints: Sequence[Endpoint], folder: Path) -> Iterator[Receiver]:
    """Run a receiver with these endpoints."""
    listed, log = folder / "endpoints.json", folder / "receipts.jsonl"
    listed.write_text(json.dumps([asdict(each) for each in endpoints]))
    log.touch()
    command = [sys.executable, "-m", "tests.acceptance.receiver", str(listed), str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        receiver = Receiver(log, json.loads(process.stdout.readline()))
        try:
            yield receiver
        finally:
            receiver.close()
            process.kill()


def read_receipts(log: Path) -> list[Receipt]:
    """All receipts of a log whose receiver has ended, or may have been killed at its last line."""
    return [_receipt(line) for line in log.read_bytes().split(b"\n")[:-1]]


def _receipt(line: bytes) -> Receipt:
    at_ms, endpoint, webhook_id, status, body = json.loads(line)
    return Receipt(
        at_ms=at_ms,
        endpoint=endpoint,
        webhook_id=webhook_id,
        status=status,
        body=body.encode("utf-8", "surrogateescape"),
    )
