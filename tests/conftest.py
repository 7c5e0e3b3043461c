"""Real services for any test that asks, shared by the run; nothing of the developer's own settings reaches a test."""

import os
import secrets
import signal
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pycares
import pytest
import redis
from hypothesis import settings

from tests.services import shared
from tests.services.kafka import Kafka
from tests.services.redis import DATABASES, Redis
from tests.services.topics import MakeTopics, create_topics

# The suite says the same of the same code each time; `--hypothesis-profile=search` looks for what it has not seen.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2_000, deadline=None)
settings.load_profile("suite")

DOCUMENTATION = (".example", "example.com", "example.net", "example.org")

_owner = pytest.StashKey[shared.Shared]()


def pytest_configure(config: pytest.Config) -> None:
    # A suite started in the background ignores Ctrl-C, and so would every process that it starts and interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        # The README has its reader write a `.env` beside the Makefile, and settings are read from the current folder.
        # Who only hands tests out to workers stays: they look for the tests where it stands.
        empty = tempfile.TemporaryDirectory(prefix="hookline-tests-")
        config.add_cleanup(empty.cleanup)
        os.chdir(empty.name)
    # Workers of pytest-xdist find the controller's by the environment.
    if shared.VARIABLE not in os.environ:
        config.stash[_owner] = shared.Shared().open()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a test whose own limit comes after that of its process."""
    process_s = float(config.getini("faulthandler_timeout"))
    for item in items:
        limit = item.get_closest_marker("timeout")
        if limit is not None and limit.args[0] >= process_s:
            message = f"{item.nodeid} may take {limit.args[0]:g} s: raise -o faulthandler_timeout, now {process_s:g}"
            raise pytest.UsageError(message)


def pytest_unconfigure(config: pytest.Config) -> None:
    owner = config.stash.get(_owner, None)
    if owner is not None:
        owner.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in which languages a signature was verified: those whose toolchain is installed here."""
    passed: list[pytest.TestReport] = terminalreporter.getreports("passed")
    languages = [str(value) for each in passed for name, value in each.user_properties if name == "verifies in"]
    if languages:
        terminalreporter.write_line(f"signatures were verified in {', '.join(sorted(languages))}")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The current folder is the test's own: neither a .env nor a hookline.toml is there until the test writes one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HOOKLINE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """Commands that are called in this process take signals, and leave them to nobody."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def example_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names for documentation (RFC 2606) have a public address, whatever network the tests run in."""
    ask = pycares.Channel.getaddrinfo

    def getaddrinfo(channel: pycares.Channel, host: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 # the library's
        known = host.removesuffix(".").endswith(DOCUMENTATION)
        ask(channel, "93.184.215.14" if known else host, *args, **kwargs)

    monkeypatch.setattr(pycares.Channel, "getaddrinfo", getaddrinfo)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> str:
    """The shared broker: isolate by `topic_prefix`."""
    return shared.ask("kafka")


@pytest.fixture(scope="session")
def registry_url() -> str:
    """The shared registry: isolate subjects by `topic_prefix`."""
    return shared.ask("registry")


@pytest.fixture
def redis_url(worker_id: str) -> str:
    """The shared Redis, a database of this worker's own, empty at the test's start. Never FLUSHALL it."""
    number = 0 if worker_id == "master" else int(worker_id.removeprefix("gw")) + 1
    assert number < DATABASES
    url = shared.ask("redis").removesuffix("0") + str(number)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def topic_prefix() -> str:
    """Before every topic and group of this test."""
    return f"t{secrets.token_hex(4)}."


@pytest.fixture
def make_topics(kafka_bootstrap: str) -> MakeTopics:
    def make(spec: Mapping[str, int], config: Mapping[str, str] | None = None) -> None:
        create_topics(kafka_bootstrap, spec, config)

    return make


@pytest.fixture
def private_kafka(tmp_path: Path) -> Iterator[Kafka]:
    """A broker of the test's own, to kill and pause."""
    kafka = Kafka.start(tmp_path / "kafka")
    yield kafka
    kafka.stop()


@pytest.fixture
def private_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of the test's own, to kill and pause."""
    server = Redis.start(tmp_path / "redis")
    yield server
    server.stop()
