"""Waiting for a consumer's next message, for as long as nobody wants to do something else.

The law: a wait, however long, ends within a fifth of a second of its `over`, and at once for a message.
"""

import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer, Message

_LOOK_S: Final = 0.2  # a signal that comes while librdkafka waits is heard when it returns


def first_message(
    consumer: Consumer, wait_s: float, over: Callable[[], bool], *, monotonic_s: Callable[[], float] = time.monotonic
) -> Message | None:
    """The next message or error; None: there was none for so long, or until `over`."""
    until_s = monotonic_s() + wait_s
    while True:
        left_s = until_s - monotonic_s()
        first = consumer.poll(max(0.0, min(left_s, _LOOK_S)))
        if first is not None or left_s <= _LOOK_S or over():
            return first
