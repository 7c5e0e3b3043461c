"""The API of running processes, as a customer reaches it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.acceptance.deadline import until
from tests.acceptance.hookline import Hookline, clean, command
from tests.acceptance.stage import Stage


def url_of(running: Hookline, *, times: int = 1, within_s: float = 30.0) -> str:
    """Where its role api listens, once it is ready."""
    running.until_said("listening", role="api", times=times, within_s=within_s)
    said = running.said("listening", role="api")[-1]
    url = f"http://{said['host']}:{said['port']}"
    until(lambda: _ready(url), within_s=within_s, missing=lambda: f"/readyz never said 200:\n{running.tail}")
    return url


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def new_key(stage: Stage, *arguments: str) -> str:
    """A key made by `hookline keys create ARGUMENTS`."""
    done = subprocess.run(
        command("keys", "create", *arguments, "--json"),
        cwd=stage.folder,
        env=clean(stage.environment),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return str(json.loads(done.stdout)["key"])


@contextmanager
def client(url: str, key: str) -> Iterator[httpx.Client]:
    """A customer."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as customer:
        yield customer
