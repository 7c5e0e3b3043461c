"""An embedded Redis: fakeredis' TCP server, with Lua, in a thread of this process."""

import threading
from typing import Self

from fakeredis import TcpFakeServer


class Cache:
    """A Redis on a free port of loopback, empty at first."""

    def __init__(self) -> None:
        self._server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
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
