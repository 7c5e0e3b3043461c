"""A connection of the portable engine that is to be used again."""

import ssl
from contextlib import suppress
from pathlib import Path
from typing import cast

import httpcore
import pytest

from consumer.http.guard import AddressGuard
from consumer.http.guarded_network import GuardedStream
from tests.certificates import ADDRESS, Authority

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Connected:
    """The client's side of a TLS connection whose bytes are handed over in memory; its socket is never readable."""

    def __init__(self, authority: Authority) -> None:
        self._to_client, self._to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(authority.ca_file))
        self._client = context.wrap_bio(self._to_client, self._to_server, server_hostname="127.0.0.1")
        self.server = authority.server(ADDRESS).wrap_bio(self._to_server, self._to_client, server_side=True)
        for _ in range(4):
            for side in (self._client, self.server):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        return self._client.read(max_bytes)

    def get_extra_info(self, info: str) -> object:
        return {"ssl_object": self._client, "is_readable": False}[info]


@pytest.fixture
def connected(tmp_path: Path) -> Connected:
    return Connected(Authority(tmp_path))


async def readable_after(connected: Connected) -> object:
    stream = GuardedStream(cast("httpcore.AsyncNetworkStream", connected), "127.0.0.1", AddressGuard())
    assert await stream.read(65_536) != b""
    return stream.get_extra_info("is_readable")


@pytest.mark.anyio
async def test_a_record_that_came_with_the_answer_and_was_not_asked_for_ends_the_connection(
    connected: Connected,
) -> None:
    connected.server.write(OK)
    connected.server.write(OK)
    assert await readable_after(connected) is True


@pytest.mark.anyio
async def test_an_answer_alone_leaves_the_connection_as_it_is(connected: Connected) -> None:
    connected.server.write(OK)
    assert await readable_after(connected) is False


@pytest.mark.anyio
async def test_a_goodbye_behind_the_answer_ends_the_connection(connected: Connected) -> None:
    connected.server.write(OK)
    with suppress(ssl.SSLWantReadError):  # the client's own goodbye does not come
        connected.server.unwrap()
    assert await readable_after(connected) is True
