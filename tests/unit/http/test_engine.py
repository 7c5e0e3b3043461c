from collections.abc import Callable
from importlib.util import find_spec

import pytest

from consumer.delivery.answer import Failure, FailureKind
from consumer.http.curl import CurlTransport
from consumer.http.engine import chosen, open_transport
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Transport
from consumer.settings import ConfigurationError, Settings
from consumer.signing.request import Request


@pytest.mark.parametrize(
    ("name", "installed", "engine"),
    [
        ("auto", True, "native"),
        ("auto", False, "sockets"),
        ("native", True, "native"),
        ("curl", True, "curl"),
        ("sockets", True, "sockets"),
        ("curl", False, "curl"),
    ],
)
def test_the_native_engine_sends_where_it_is_and_no_other_is_named(name: str, installed: bool, engine: str) -> None:
    assert chosen(Settings.model_validate({"transport": name}), installed=installed) == engine


def test_an_engine_that_is_named_and_not_installed_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"HOOKLINE_TRANSPORT: .*hookline\[fast\]"):
        chosen(Settings.model_validate({"transport": "native"}), installed=False)


def of_native() -> type[Transport]:
    from consumer.http.native import NativeTransport  # noqa: PLC0415 - it may not be installed

    return NativeTransport


@pytest.mark.parametrize("name", ["auto", "sockets", "curl"])
def test_a_system_without_epoll_is_told_what_it_can_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_TRANSPORT", name)
    monkeypatch.delattr("select.epoll")
    with pytest.raises(ConfigurationError, match=r"HOOKLINE_TRANSPORT.*needs Linux's epoll.*in a container"):
        open_transport(Settings())


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("curl", lambda: CurlTransport),
        ("sockets", lambda: SocketsTransport),
        pytest.param(
            "native",
            of_native,
            marks=pytest.mark.skipif(find_spec("hookline_native") is None, reason="make native builds it, with cargo"),
        ),
    ],
)
def test_the_settings_choose_the_engine_and_its_guard(
    name: str, engine: Callable[[], type[Transport]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_TRANSPORT", name)
    monkeypatch.setenv("HOOKLINE_ALLOW_NETWORKS", "127.0.0.1/32")
    transport = open_transport(Settings())
    try:
        assert isinstance(transport, engine())
        for token, host in enumerate(("127.0.0.1", "127.0.0.2")):
            # Port 1: nothing listens there, so the allowed address is tried and the other is not.
            transport.submit(
                token, Request(url=f"http://{host}:1/", headers=(), body=b"", timeout_ms=5_000, addresses=(host,))
            )
        kinds: dict[int, FailureKind] = {}
        while transport.in_flight:
            for token, answer in transport.poll(1):
                assert isinstance(answer, Failure)
                kinds[token] = answer.kind
        assert kinds == {0: FailureKind.CONNECT, 1: FailureKind.ADDRESS_REFUSED}
    finally:
        transport.close()
