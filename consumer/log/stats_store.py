"""A webhook's statistics, read from where the role `log` keeps them."""

from collections.abc import Mapping, Sequence

from consumer.log.fields import stats_field, stats_of
from consumer.log.figures_reader import FiguresReader
from consumer.log.stats import Stats


class StatsReader(FiguresReader):
    """Statistics for whoever shows them."""

    def read(self, webhook: str) -> Sequence[Stats] | None:
        """Of this webhook, of each partition that has some; None where not all of it is known, as without Redis."""
        return self._spared.ask(lambda: self._read([webhook]).get(webhook), None)

    def read_all(self, webhooks: Sequence[str]) -> Mapping[str, Sequence[Stats]]:
        """The same of each of these webhooks of which all is known."""
        return self._spared.ask(lambda: self._read(webhooks), {})

    def _read(self, webhooks: Sequence[str]) -> Mapping[str, Sequence[Stats]]:
        found = self._partitions.read([stats_field(each) for each in webhooks])
        known: dict[str, Sequence[Stats]] = {}
        for each in webhooks if found.whole else ():
            parts = [stats_of(value) for value in found.values[stats_field(each)]]
            sound = [part for part in parts if part is not None]
            if len(sound) == len(parts):
                known[each] = sound
        return known
