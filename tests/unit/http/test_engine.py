from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec

import pytest
from pydantic import SecretStr

from consumer.delivery.answer import Failure, FailureKind
from consumer.http.beside import BesideTransport
from consumer.http.curl import CurlTransport
from consumer.http.engine import chosen, open_transport, preparing, reading
from consumer.http.guard import guard_of
from consumer.http.proxy import Place, Proxy
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Sender, Transport
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


def test_through_a_proxy_only_the_sockets_engine_sends() -> None:
    proxied = Settings(egress_proxy=SecretStr("http://proxy.test:3128"), egress_check=("www.example.com:443",))
    assert chosen(proxied, installed=True) == "sockets"


def test_the_settings_name_the_proxy_and_who_guards() -> None:
    settings = Settings(
        egress_proxy=SecretStr("socks5://a%40b:c%3Ad@[2001:db8::1]:1080"),
        egress_check=("www.example.com:443", "[2001:db8::2]:8443"),
    )
    proxy = Proxy.of(settings)
    assert proxy is not None
    assert (proxy.scheme, proxy.at, proxy.user, proxy.password) == (
        "socks5",
        Place(host="2001:db8::1", port=1080),
        "a@b",
        "c:d",
    )
    assert list(map(str, proxy.checks)) == ["www.example.com:443", "[2001:db8::2]:8443"]
    assert guard_of(settings).refuses("10.0.0.1") is not None
    assert guard_of(settings.model_copy(update={"egress_guard": "proxy"})).refuses("10.0.0.1") is None
    alone = Settings(egress_guard="proxy")
    assert guard_of(alone).refuses("10.0.0.1") is not None, "without a proxy there is no guard but ours"
    longest = SecretStr(f"socks5://user:{'x' * 256}@proxy.test:1080")
    with pytest.raises(ConfigurationError, match=r"HOOKLINE_EGRESS_PROXY: .*255 bytes"):
        Proxy.of(settings.model_copy(update={"egress_proxy": longest}))


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
        chosen_one = transport._usual if isinstance(transport, BesideTransport) else transport
        assert isinstance(chosen_one, engine())
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


@pytest.mark.skipif(find_spec("hookline_native") is None, reason="make native builds it, with cargo")
def test_what_the_native_step_writes_it_sends_and_no_other_engine_does(monkeypatch: pytest.MonkeyPatch) -> None:
    senders = []
    for name in ("native", "sockets", "curl"):
        monkeypatch.setenv("HOOKLINE_TRANSPORT", name)
        settings = Settings()
        with closing(open_transport(settings)) as transport:
            senders.append(isinstance(transport, Sender))
        assert (preparing(settings) is not None) == (reading(settings) is not None) == senders[-1]
    assert senders == [True, False, False]
