"""What endpoints made of jobs' deliveries, read from where the role `log` keeps it."""

from collections.abc import Mapping, Sequence

from consumer.log.answered import Answered, summed
from consumer.log.fields import job_field, job_of
from consumer.log.figures_reader import FiguresReader


class AnsweredReader(FiguresReader):
    """What endpoints made of jobs' deliveries, for whoever runs or shows them."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Answered]:
        """The counts of these jobs, as far as they are known: nothing while Redis is away.

        A job of which no attempt was logged yet has counts of 0, once all partitions' figures are there.
        """
        return self._spared.ask(lambda: self._read(ids), {}) if ids else {}

    def _read(self, ids: Sequence[str]) -> dict[str, Answered]:
        found = self._partitions.read([job_field(each) for each in ids])
        known: dict[str, Answered] = {}
        for job in ids:
            values = found.values[job_field(job)]
            counts = [each for each in map(job_of, values) if each is not None]
            # Without a partition its counts would be too low: nothing is known then.
            if found.whole and len(counts) == len(values):
                known[job] = summed(counts)
        return known
