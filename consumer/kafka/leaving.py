"""How a client of Kafka is let go of.

The law: every wait here ends, whatever the broker answers and whatever the library does.

A consumer's own `close` does not keep it. It calls the rebalance callback one last time, and confluent_kafka assigns
there with the interpreter's lock held, until librdkafka's thread answers; that thread destroys the question unanswered
when the group came to its end in the same moment (librdkafka 2.16, `rd_kafka_cgrp_op_serve`). Then no thread runs any
more and no signal is heard. So a subscribed consumer is never closed: it unsubscribes while its group lives, or is
destroyed without a word, which calls nothing back.
"""

import threading
import time
from typing import Final

from confluent_kafka import Consumer

_LEAVE_S: Final = 1.0
_POLL_S: Final = 0.02


def close(reader: Consumer) -> None:
    """End a consumer that subscribed to nothing."""
    _within(threading.Thread(target=reader.close, name="closing", daemon=True))


def leave(last: list[Consumer], *, static: bool) -> None:
    """Take the member of a group out of the list, which holds the last reference to it, and end it.

    The partitions of a `static` member wait for its successor; those of any other go to the others now.
    """
    # An assignment that nobody has heard of yet would keep librdkafka from its end; records would be given before it.
    last[0].pause(last[0].assignment())
    last[0].poll(_POLL_S)
    target = last.clear if static or not _unsubscribed(last[0]) else last.pop().close
    _within(threading.Thread(target=target, name="leaving", daemon=True))


def _unsubscribed(member: Consumer) -> bool:
    """Unsubscribe and hear what that changes; whether nothing is assigned any more."""
    until_s = time.monotonic() + _LEAVE_S
    member.unsubscribe()
    while True:
        member.poll(_POLL_S)
        if not member.assignment():
            return True
        if time.monotonic() > until_s:
            return False


def _within(ending: threading.Thread) -> None:
    """Without the interpreter's lock librdkafka waits for the broker's answers: then it is left behind."""
    ending.start()
    ending.join(_LEAVE_S)
