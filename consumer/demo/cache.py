"""An embedded Redis: fakeredis' TCP server, with Lua, in a thread of this process."""

import threading
from typing import Self

from fakeredis import TcpFakeServer

# The handler has no public name; the version is locked with the demo's other parts.
from fakeredis._clients._tcp_server import TCPFakeRequestHandler
from redis.exceptions import ResponseError


class _Handler(TCPFakeRequestHandler):
    """Answers an error and goes on, as Redis does; fakeredis' own closes the connection behind every NOSCRIPT."""

    def setup(self) -> None:
        super().setup()
        read_response = self.current_client.read_response

        def response_or_error() -> object:
            try:
                return read_response()
            except ResponseError as error:
                return error

        # This one connection is changed, not its class.
        self.current_client.read_response = response_or_error  # type: ignore[method-assign, assignment]


class Cache:
    """A Redis on a free port of loopback, empty at first."""

    def __init__(self) -> None:
        self._server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
        self._server.RequestHandlerClass = _Handler
        self._server.daemon_threads = True
        self.url = f"redis://127.0.0.1:{self._server.server_address[1]}/0"
        self._thread = threading.Thread(target=self._server.serve_forever, name="cache", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
