"""A client of an application in memory whose requests share one event loop.

Starlette's own starts a thread and a loop for each request, which takes longer than most requests.
"""

import atexit
from functools import cache
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.testclient import TestClient


class Client(TestClient):
    """Its requests wait for each other: none may be made while another one is answered."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 # as the library's
        super().__init__(*arguments, **options)
        self.portal = _loop()


@cache
def _loop() -> BlockingPortal:
    """One for the process, until it ends."""
    portal = start_blocking_portal()
    loop = portal.__enter__()
    atexit.register(portal.__exit__, None, None, None)
    return loop
