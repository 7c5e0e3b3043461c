"""The engines that the one suite is run against, and an authority for its TLS endpoints."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import TypeAlias

import pytest

from consumer.http.curl import CurlTransport
from consumer.http.guard import AddressGuard
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Transport
from tests.certificates import Authority

LOOPBACK = (ip_network("127.0.0.1/32"),)
SEVERAL = (ip_network("127.0.0.0/29"),)

Opener: TypeAlias = Callable[..., Transport]


without_native = pytest.mark.skipif(find_spec("hookline_native") is None, reason="make native builds it, with cargo")


def native(guard: AddressGuard, *, ca_file: Path | None) -> Transport:
    from consumer.http.native import NativeTransport  # noqa: PLC0415 - it may not be installed

    return NativeTransport(guard, ca_file=ca_file)


@pytest.fixture(
    params=[CurlTransport, SocketsTransport, pytest.param(native, marks=without_native)],
    ids=["curl", "sockets", "native"],
)
def open_engine(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Opens the engine under test; closes what the test opened and left open."""
    opened: list[Transport] = []

    def opener(guard: AddressGuard | None = None, *, ca_file: Path | None = None) -> Transport:
        transport: Transport = request.param(AddressGuard(LOOPBACK) if guard is None else guard, ca_file=ca_file)
        opened.append(transport)
        return transport

    yield opener
    for transport in opened:
        transport.close()  # also where the test has closed it: closing twice is closing once


@pytest.fixture
def transport(open_engine: Opener) -> Transport:
    return open_engine()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)
