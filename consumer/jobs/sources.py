"""What a job reads, by what it is asked for.

The law: a source whose `ends` are empty fixes them; one that is opened again with these, and with a position, gives
what the first one had left.
"""

import time
from collections.abc import Callable, Mapping
from typing import assert_never

from consumer.data_keys.opening import Opening
from consumer.delivery.offsets import Partition
from consumer.jobs.candidate import Source
from consumer.jobs.chosen_source import open_chosen
from consumer.jobs.job import Asked, Chosen, Matching, Missed
from consumer.jobs.matching_source import open_matching
from consumer.jobs.missed_source import open_missed
from consumer.settings import Settings
from consumer.webhooks.subscription import Subscription


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def open_source(
    settings: Settings,
    asked: Asked,
    subscription: Subscription,
    *,
    ends: Mapping[Partition, int],
    position: Mapping[Partition, int],
    opening: Opening,
    now_ms: Callable[[], int] = _now_ms,
) -> Source:
    """Open the source of a job for its webhook, as it is now. `opening` opens what of its records is sealed.

    Raises:
        ConfigurationError: the settings name no topics that there may be, or the Kafka properties are wrong.
        KafkaBroken: the broker does not answer, or a topic may not be read.
    """
    match asked.subject:
        case Chosen() as chosen:
            return open_chosen(settings, asked, chosen, subscription, ends=ends, position=position, opening=opening)
        case Matching() as matching:
            return open_matching(
                settings,
                asked,
                matching,
                subscription,
                ends=ends,
                position=position,
                now_ms=now_ms(),
                opening=opening,
            )
        case Missed() as missed:
            return open_missed(
                settings, asked, missed, subscription, ends=ends, position=position, now_ms=now_ms, opening=opening
            )
        case _:
            assert_never(asked.subject)
