import pytest

from consumer.delivery.answer import Failure, FailureKind
from consumer.http.curl import CurlTransport
from consumer.http.engine import open_transport
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Transport
from consumer.settings import Settings
from consumer.signing.request import Request


@pytest.mark.parametrize(("name", "engine"), [("sockets", SocketsTransport), ("curl", CurlTransport)])
def test_the_settings_choose_the_engine_and_its_guard(
    name: str, engine: type[Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_TRANSPORT", name)
    monkeypatch.setenv("HOOKLINE_ALLOW_NETWORKS", "127.0.0.1/32")
    transport = open_transport(Settings())
    try:
        assert isinstance(transport, engine)
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
