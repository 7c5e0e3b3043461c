"""Where the API listens."""

import socket
import threading

import pytest

from consumer.roles.listening import listener
from consumer.settings import ConfigurationError, Settings


@pytest.mark.parametrize(
    "listen",
    [
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:http",
        "127.0.0.1:65536",
        "203.0.113.7:0",
        "no.such.invalid:0",
        "127.0.0.1:٨٠",
        "h:" + "9" * 5_000,
        "a..b:0",
        f"{'a' * 70}.b:0",
    ],
)
def test_an_address_that_cannot_be_is_named(listen: str) -> None:
    with pytest.raises(ConfigurationError, match="HOOKLINE_API_LISTEN"):
        listener(Settings(api_listen=listen), threading.Event())


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0"])
def test_an_address_is_bound(listen: str) -> None:
    bound = listener(Settings(api_listen=listen), threading.Event())
    assert bound is not None
    with bound:
        assert bound.getsockname()[1] > 0


def test_one_that_is_in_use_is_waited_for() -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as holder:
        settings = Settings(api_listen=f"127.0.0.1:{holder.getsockname()[1]}")
        threading.Timer(0.2, holder.close).start()
        bound = listener(settings, stop)
    assert bound is not None
    with bound:
        stop.set()
        assert listener(settings, stop) is None
