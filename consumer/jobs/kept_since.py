"""Since when the topics of events hold what was written to them, for whoever wants it sent again.

The law: only what was there and is gone is in the way. A partition that has lost nothing reaches back as far as anybody
asks, however young it is.
"""

from contextlib import closing

from consumer.kafka.client import AccessDenied
from consumer.kafka.selection import event_topics
from consumer.kafka.spans import Span, SpanReader
from consumer.settings import Settings


def kept_since(settings: Settings, since_ms: int) -> int | None:
    """Since when all is there; None where it is there since `since_ms`, or this process may not look.

    Raises:
        ConfigurationError: the settings name no topics that there may be.
        KafkaBroken: the broker does not answer.
    """
    try:
        return _kept_since(settings, since_ms)
    except AccessDenied:
        return None  # the role `jobs` may, and finds what there is


def _kept_since(settings: Settings, since_ms: int) -> int | None:
    with closing(SpanReader(settings)) as reader:
        logs = reader.extents(sorted(event_topics(settings).among(reader.existing())))
        cut = {place: log for place, log in logs.items() if 0 < log.begin < log.end}
        begins = reader.first_since(cut, since_ms)
        firsts = {place: Span(log.begin, log.begin + 1) for place, log in cut.items() if begins[place] == log.begin}
        times = [record.timestamp_ms for batch in reader.read(firsts) for record in batch.records]
    latest_ms = max(times, default=since_ms)
    return latest_ms if latest_ms > since_ms else None
