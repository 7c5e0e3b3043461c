"""One attempt of the portable engine: what it leaves behind when it is ended."""

import asyncio
from collections.abc import Iterable
from time import monotonic

import httpcore
import pytest

from consumer.http.guard import AddressGuard
from consumer.http.guarded_network import GuardedNetwork
from consumer.http.portable_exchange import Attempt
from tests.conformance.conftest import LOOPBACK
from tests.conformance.scripted import Endpoint, Line, request

_CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


class SlowToClose(GuardedNetwork):
    """Closing a connection takes a moment, as it does where a process has much to do."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await super().connect_tcp(host, port, timeout, local_address, socket_options)
        close = stream.aclose

        async def close_slowly() -> None:
            await asyncio.sleep(0.3)
            await close()

        stream.aclose = close_slowly  # type: ignore[method-assign]
        return stream


@pytest.mark.parametrize("given_up", [False, True])
def test_an_attempt_that_is_ended_while_its_connection_closes_gives_its_place_back(given_up: bool) -> None:
    async def left(url: str) -> str:
        network = SlowToClose(AddressGuard(LOOPBACK))
        async with httpcore.AsyncConnectionPool(network_backend=network) as pool:
            attempt = Attempt(pool, request(url, timeout_ms=10_000 if given_up else 150), monotonic())
            if given_up:
                asyncio.get_running_loop().call_later(0.15, attempt.give_up)
            await attempt.answer()
            return repr(pool)

    with Endpoint(lambda line: line.answer(_CLOSING)) as endpoint:
        assert "Requests: 0 active, 0 queued" in asyncio.run(left(endpoint.url))


def test_an_attempt_that_is_given_up_before_it_begins_sends_nothing() -> None:
    async def begun_too_late(url: str) -> None:
        async with httpcore.AsyncConnectionPool(network_backend=GuardedNetwork(AddressGuard(LOOPBACK))) as pool:
            attempt = Attempt(pool, request(url), monotonic())
            attempt.give_up()
            await attempt.answer()

    with Endpoint(Line.answer) as endpoint:
        asyncio.run(begun_too_late(endpoint.url))
        assert endpoint.requests == []
