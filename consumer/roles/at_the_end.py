"""Webhooks about which something is to be decided once the log was read as far as it went when that became so.

The law: nothing is decided by old attempts while later ones are still unread, and each webhook is decided about once.
"""

from collections.abc import Callable, Iterator


class AtTheEnd:
    """Belongs to one thread."""

    def __init__(self) -> None:
        self._due: dict[str, tuple[int, int]] = {}

    def put(self, name: str, partition: int, end: Callable[[], int | None]) -> None:
        """This webhook, whose attempts are in this partition. `end` says where that ends, if it is known."""
        if name not in self._due and (at := end()) is not None:
            self._due[name] = (partition, at)

    def take(self, read_to: Callable[[int], int | None]) -> Iterator[tuple[str, int]]:
        """Those of which enough was read, each with its partition; who is in a partition that is not ours is dropped.

        `read_to` says how far a partition was read, None where it is not ours any more.
        """
        for name, (partition, end) in list(self._due.items()):
            at = read_to(partition)
            if at is not None and at < end:
                continue
            del self._due[name]
            if at is not None:
                yield name, partition
