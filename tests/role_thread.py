"""A role in a thread of the test, on real services."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from consumer.settings import Settings

Main = Callable[[Settings, threading.Event, int], None]


@contextmanager
def running(main: Main, settings: Settings, slot: int = 0, *, ends_within_s: float = 30.0) -> Iterator[threading.Event]:
    """The role at work, until what is yielded is set or the block is left; it ends in time, and raised nothing."""
    stop, raised = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            main(settings, stop, slot)
        except BaseException as error:  # noqa: BLE001 # raised again below, in the test
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield stop
    finally:
        began_s = time.monotonic()
        stop.set()
        thread.join(30)
        took_s = time.monotonic() - began_s
    assert not thread.is_alive()
    assert raised == []
    assert took_s < ends_within_s
