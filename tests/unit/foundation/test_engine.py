"""A container engine is used when it answers, not when it is merely installed, and leaves no container behind."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import engine
from tests.services.engine import Container
from tests.services.server import ServiceError


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    engine.find.cache_clear()
    yield
    engine.find.cache_clear()


def program(folder: Path, name: str, script: str) -> str:
    """An executable shell script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_an_engine_that_does_not_answer_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, "docker", "exit 1")
    podman = program(tmp_path, "podman", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine.find() == podman


def test_without_an_engine_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, "docker", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine.find() is None


def test_a_container_is_made_once_and_started_again_with_its_data(tmp_path: Path) -> None:
    log = tmp_path / "said"
    docker = program(tmp_path, "docker", f'echo "$@" >> {log}; [ "$1" = inspect ] && echo true; true')
    container = Container(docker, "redis:7.4", port=15000, inner_port=6379, environment={"A": "b"}, arguments=["serve"])
    container.start()
    assert container.alive()
    container.kill()
    container.start()
    container.pause()
    container.resume()
    container.stop()
    said = [line.split() for line in log.read_text().splitlines()]
    assert [words[0] for words in said] == [
        "create",
        "start",
        "inspect",
        "inspect",
        "kill",
        "start",
        "pause",
        "unpause",
        "stop",
    ]
    assert said[0][3:] == ["--publish", "127.0.0.1:15000:6379", "--env", "A=b", "redis:7.4", "serve"]


def test_a_container_is_removed_when_its_owner_ends(tmp_path: Path) -> None:
    log = tmp_path / "said"
    docker = program(tmp_path, "docker", f'echo "$@" >> {log}')
    Container(docker, "redis:7.4", port=15000, inner_port=6379).start()
    engine._guards.pop().carry_out()  # closes its pipe, as the kernel does at our end
    deadline = time.monotonic() + 5
    while "rm --force" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert log.read_text().splitlines()[-1].startswith("rm --force hookline-test-")


def test_what_the_engine_says_is_not_lost(tmp_path: Path) -> None:
    docker = program(tmp_path, "docker", "echo no such image >&2; exit 125")
    with pytest.raises(ServiceError, match="create: no such image"):
        Container(docker, "redis:7.4", port=15000, inner_port=6379).start()


def test_an_ordinary_end_leaves_neither_a_container_nor_a_warning(tmp_path: Path) -> None:
    docker = program(tmp_path, "docker", f'echo "$@" >> {tmp_path / "said"}')
    code = f"from tests.services.engine import Container; Container({docker!r}, 'a', port=1, inner_port=1).start()"
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    assert done.stderr == ""
    assert "rm --force hookline-test-" in (tmp_path / "said").read_text()
