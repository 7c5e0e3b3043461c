"""A webhook's statistics, read from where the role `log` keeps them."""

from collections.abc import Sequence

from consumer.log.fields import stats_field, stats_of
from consumer.log.figures_reader import FiguresReader
from consumer.log.stats import Stats


class StatsReader(FiguresReader):
    """Statistics for whoever shows them."""

    def read(self, webhook: str) -> Sequence[Stats] | None:
        """Of this webhook, of each partition that has some; None where not all of it is known, as without Redis."""
        return self._spared.ask(lambda: self._read(webhook), None)

    def _read(self, webhook: str) -> Sequence[Stats] | None:
        found = self._partitions.read([stats_field(webhook)])
        values = found.values[stats_field(webhook)]
        known = [each for each in map(stats_of, values) if each is not None]
        return known if found.whole and len(known) == len(values) else None
