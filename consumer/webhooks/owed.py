"""The winners that a projection owes its topic: each was followed there by a write that lost to it. Pure.

The law: a winner is written again once for each time that it was overtaken, and not while its bucket is read anew: it
may still follow in the topic.
"""

from collections.abc import Callable, Collection

from consumer.webhooks.fold import Fold
from consumer.webhooks.history import written_again
from consumer.webhooks.outline import Known, whole
from consumer.webhooks.record import Rewrite, rewrite_of


class Owed:
    """Of all buckets of one projection."""

    def __init__(self) -> None:
        self._winners: dict[str, tuple[int, Known]] = {}
        self._asked: set[str] = set()

    def clear(self) -> None:
        """Owe nothing."""
        self._winners.clear()
        self._asked.clear()

    def remember(self, number: int, name: str, state: Known) -> None:
        """The cache says that a webhook's state is owed, in this bucket."""
        self._winners[name] = (number, state)

    def folded(self, number: int, fold: Fold) -> None:
        """What a bucket took: what it changed is owed no more, and what a loser followed is owed from here on."""
        for name in (*fold.changed, *fold.lost):
            self._asked.discard(name)
            self._winners.pop(name, None)
        self._winners.update({name: (number, winner) for name, winner in fold.lost.items()})

    def forget(self, buckets: Collection[int]) -> None:
        """These buckets are filled anew, and will say again what they owe."""
        self._winners = {name: owed for name, owed in self._winners.items() if owed[0] not in buckets}
        self._asked.intersection_update(self._winners)

    def rewrites(self, is_open: Callable[[int], bool]) -> tuple[Rewrite, ...]:
        """The records that were not asked for yet, of the buckets that are open."""
        due = {
            name: state
            for name, (number, state) in self._winners.items()
            if name not in self._asked and is_open(number)
        }
        self._asked.update(due)
        return tuple(rewrite_of(written_again(whole(state))) for state in due.values())
