"""What it costs to know which offsets may be committed: the windows of a process, and the maps in its commits.

The law: nothing but the tracker runs while the clock does. Deliveries finish in no order, 64 of them under way, and
every `_SEAL_EVERY` of them all positions are taken, as a loop with 12,000 deliveries a second does.
"""

import random
import time
from typing import Final

from bench import cores
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Window

_PARTITIONS: Final = 8
_UNDER_WAY: Final = 64
_SEAL_EVERY: Final = 12_000 // 25  # at that speed the maps pace them: a position every 40 ms
_DELIVERIES: Final = 200_000


def measure() -> float:
    """CPU µs a delivery, events with one delivery each, on the core under test."""
    dice = random.Random(1)
    turns = [dice.randrange(_UNDER_WAY) for _ in range(_DELIVERIES)]
    windows = [Window(("events", number)) for number in range(_PARTITIONS)]
    for window in windows:
        for offset in range(_UNDER_WAY // _PARTITIONS):
            window.begin(offset)
    under_way = [Entry(window, offset) for window in windows for offset in range(_UNDER_WAY // _PARTITIONS)]
    with cores.starting_on(cores.UNDER_TEST):
        began_s = time.thread_time()
        for number, turn in enumerate(turns):
            window = windows[number % _PARTITIONS]
            offset = number // _PARTITIONS + _UNDER_WAY // _PARTITIONS
            if window.begin(offset):
                entry = Entry(window, offset)
                entry.open_one()  # its delivery
                entry.close_one()  # it is planned
                under_way[turn].close_one("00" * 16)
                under_way[turn] = entry
            if number % _SEAL_EVERY == 0:
                for each in windows:
                    assert each.look() is not None
        return (time.thread_time() - began_s) / _DELIVERIES * 1_000_000
