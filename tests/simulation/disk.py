"""The disk that a process finds when it starts: what it wrote, or not any more.

The law: it never lies about its own past. It may be new, torn anywhere, or as it was at an earlier start.
"""

import random
from pathlib import Path

from consumer.kafka.checkpoints import Checkpoints
from tests.simulation.faults import Faults

_ODD = 0.2


class Disk:
    """One process's place on its machine's disk. Processes of one `folder` read each other's checkpoints."""

    def __init__(self, folder: Path, name: str, faults: Faults, dice: random.Random) -> None:
        self._folder = folder
        self._name = name
        self._faults = faults
        self._dice = dice
        self._before = b""

    def open(self) -> Checkpoints:
        """What a process that starts now opens."""
        path = self._folder / self._name
        content = path.read_bytes() if path.exists() else b""
        if content and self._faults.strikes(self._dice, _ODD):
            path.write_bytes(self._odd(content))
        self._before = content
        return Checkpoints(self._folder, self._name)

    def _odd(self, content: bytes) -> bytes:
        kind = self._dice.choice(("disk new", "disk torn", "disk of an earlier day"))
        self._faults.met(kind, self._name)
        if kind == "disk new":
            return b""
        if kind == "disk of an earlier day":
            return self._before
        torn = bytearray(content[: self._dice.randrange(1, len(content) + 1)])
        for _ in range(3):
            torn[self._dice.randrange(len(torn))] = self._dice.randrange(256)
        return bytes(torn)
