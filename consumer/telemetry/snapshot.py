"""What a process tells of itself once a second, and how that travels to its supervisor.

    ┌────────────┬──────────────────────────────┐
    │ 4 bytes    │ a Snapshot, as MessagePack   │   one after the other, down a pipe
    │ its length │                              │
    └────────────┴──────────────────────────────┘

The law: whatever arrives, the supervisor reads it within bounds, or finds it broken; half a snapshot is none.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from consumer.telemetry.buckets import Buckets
from consumer.telemetry.catalogue import ALL
from consumer.telemetry.metric import Kind

MOST_BYTES: Final = 8_388_608
"""A snapshot of 20,000 partitions has half of it."""
_LENGTH: Final = 4

Labels: TypeAlias = tuple[str, ...]


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """`lacks` says why the process is not ready; it is when there is nothing.

    Of each series the metric's name, the values of its labels in the catalogue's order, and the number; of a histogram
    how many fell between two bounds, and the sum. `webhooks` are the figures of single ones, which are told apart.
    """

    lacks: tuple[str, ...]
    values: tuple[tuple[str, Labels, float], ...]
    histograms: tuple[tuple[str, Labels, tuple[int, ...], float], ...]
    webhooks: tuple[tuple[str, Labels, float], ...] = ()


class Reading:
    """One snapshot while it is put together: the parts of a process tell it what they know."""

    def __init__(self, role: str) -> None:
        self._values: dict[tuple[str, Labels], float] = {
            (metric.name, words): 0.0
            for metric in ALL
            if metric.kind is Kind.COUNTER and role in metric.roles
            for words in metric.words
        }
        self._histograms: dict[tuple[str, Labels], tuple[tuple[int, ...], float]] = {}
        self._webhooks: dict[tuple[str, Labels], float] = {}

    def value(self, name: str, value: float, *labels: str) -> None:
        """A counter or a gauge, as it is now."""
        self._values[name, labels] = float(value)  # a bool is no number to MessagePack

    def more(self, name: str, value: float, *labels: str) -> None:
        """So much more of something that several parts tell of."""
        self._values[name, labels] = self._values.get((name, labels), 0.0) + value

    def histogram(self, name: str, buckets: Buckets, *labels: str) -> None:
        """A histogram, as it is now."""
        self._histograms[name, labels] = (tuple(buckets.counts), buckets.total)

    def of_webhook(self, name: str, value: float, *labels: str) -> None:
        """A figure of one webhook, as it is now."""
        self._webhooks[name, labels] = float(value)

    def snapshot(self, lacks: tuple[str, ...]) -> Snapshot:
        """All that was told to this reading."""
        return Snapshot(
            lacks=lacks,
            values=tuple((name, labels, value) for (name, labels), value in self._values.items()),
            histograms=tuple((name, labels, *each) for (name, labels), each in self._histograms.items()),
            webhooks=tuple((name, labels, value) for (name, labels), value in self._webhooks.items()),
        )


class SnapshotBroken(Exception):  # noqa: N818 # it names what happened, as the glossary does
    """What came down the pipe is no snapshot."""


def framed(snapshot: Snapshot) -> bytes:
    """As it goes down the pipe."""
    encoded = msgspec.msgpack.encode(snapshot)
    return len(encoded).to_bytes(_LENGTH, "big") + encoded


class Frames:
    """What comes out of one pipe, in whatever pieces."""

    def __init__(self) -> None:
        self._came = bytearray()
        self._decoder = msgspec.msgpack.Decoder(Snapshot)

    def feed(self, piece: bytes) -> Iterator[Snapshot]:
        """The snapshots that are whole now.

        Raises:
            SnapshotBroken: nothing that follows can be read either.
        """
        self._came += piece
        while len(self._came) >= _LENGTH:
            length = int.from_bytes(self._came[:_LENGTH], "big")
            if length > MOST_BYTES:
                raise SnapshotBroken(f"{length} bytes are more than a snapshot has")
            if len(self._came) < _LENGTH + length:
                return
            encoded = bytes(self._came[_LENGTH : _LENGTH + length])
            del self._came[: _LENGTH + length]
            try:
                yield self._decoder.decode(encoded)
            except msgspec.MsgspecError as error:
                raise SnapshotBroken(str(error)) from None
