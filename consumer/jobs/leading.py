"""Being the one that runs jobs: for a role that leads, and for a command where no role runs.

The law: first the ledger is opened, which ends whoever wrote before; then everything is read that he wrote; and only
then is anything decided. What ends the ledger ends all of this, and another one begins from what is written.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from consumer.control.notices import Notices
from consumer.data_keys.keys import TenantKeys
from consumer.data_keys.opening import Opening
from consumer.data_keys.sealing import Sealing, patient
from consumer.jobs.books import Books
from consumer.jobs.forgetting import Forgetting, Lifetimes
from consumer.jobs.known import KnownTopics
from consumer.jobs.ports import AnsweredReader, OpenSource, Records
from consumer.jobs.record import forgotten, job_record
from consumer.jobs.runner import Runner
from consumer.jobs.sources import open_source
from consumer.kafka.client import KafkaBroken
from consumer.kafka.replayed import forgotten_replay
from consumer.kafka.republished import forgotten_poison
from consumer.kafka.retention import gone_after_ms
from consumer.kafka.topics import Topics
from consumer.log import job_counts
from consumer.replay.ledger import Ledger
from consumer.setting_values import duration_ms
from consumer.settings import Settings

_READ_S: Final = 60.0
_DAY_MS: Final = 86_400_000
_OPEN_S: Final = 4.0  # as in `known`


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What jobs are read from, and what is known of what endpoints made of them. `sealing` seals what is sent again."""

    open_source: OpenSource
    answered: AnsweredReader
    sealing: Sealing | None


@contextmanager
def parts_of(settings: Settings) -> Iterator[Parts]:
    """Those of this installation.

    Raises:
        ConfigurationError: HOOKLINE_REDIS_URL is malformed, or an encryption key.
    """
    answered, keys = job_counts.AnsweredReader(settings), TenantKeys(settings)
    source = partial(open_source, settings, opening=Opening(keys))
    try:
        yield Parts(open_source=source, answered=answered, sealing=patient(settings, keys))
    finally:
        answered.close()
        keys.close()


def lifetimes(settings: Settings, gone_after: Callable[[Settings, str], int | None] = gone_after_ms) -> Lifetimes:
    """How long marks are needed: as long as what they are about can be read, and what may still come of it.

    `gone_after` tells for how long a record of a topic can be read.

    Raises:
        ConfigurationError: the Kafka properties are wrong.
    """
    topics = Topics.of(settings)
    letters, attempts, poison = (
        gone_after(settings, topic) for topic in (topics.dead_letter, topics.attempts, topics.poison)
    )
    under_way_ms = duration_ms(settings.retry_for) + duration_ms(settings.wait_for) + _DAY_MS
    return Lifetimes(
        chain_ms=None if letters is None or attempts is None else max(letters, attempts) + under_way_ms,
        poison_ms=None if poison is None else poison + _DAY_MS,
    )


class Leading:
    """One life of the writer. Belongs to one thread."""

    def __init__(self, runner: Runner, known: KnownTopics) -> None:
        self._runner = runner
        self._known = known
        self._topics_made_anew = known.bell.topics_made_anew

    @classmethod
    def begin(
        cls,
        settings: Settings,
        known: KnownTopics,
        parts: Parts,
        *,
        now_ms: Callable[[], int],
        stop: Callable[[], bool] = lambda: False,
        only: str | None = None,
    ) -> Self:
        """Become the writer, and go on with what is under way. `stop` cuts the reading short.

        Raises:
            ConfigurationError: the user's Kafka properties contradict those needed.
            KafkaBroken: Kafka did not do its part.
        """
        topics = Topics.of(settings)
        ledger = Ledger.open(settings, sealing=parts.sealing, within_s=_OPEN_S)
        if not stop():
            known.catch_up(stop, _READ_S)
        notices = Notices(known.directory, topic=topics.retry(0), now_ms=now_ms, sealing=parts.sealing)
        records = Records(
            of_job=partial(job_record, topics.jobs),
            forgotten=partial(forgotten, topics.jobs),
            of_notice=lambda event, owner: [record for record, _ in notices.of(event, owner)],
        )
        forgetting = Forgetting(
            known.generations,
            known.republished,
            partial(lifetimes, settings),
            of_chain=partial(forgotten_replay, topics.jobs),
            of_poison=partial(forgotten_poison, topics.jobs),
        )
        books = Books(known.jobs, known.generations, known, ledger, records, forgetting=forgetting)
        runner = Runner(
            books, known, parts.open_source, parts.answered, now_ms=now_ms, monotonic_s=time.monotonic, only=only
        )
        leading = cls(runner, known)
        if not stop():
            runner.begin()
        return leading

    def turn(self, idle_s: float, over: Callable[[], bool] = lambda: False) -> None:
        """Do what comes next; wait for a wish, `idle_s` at most or until `over`, where there is nothing to do.

        Raises:
            TakenOver: another writer began.
            KafkaBroken: begin another one.
        """
        if self._known.bell.topics_made_anew != self._topics_made_anew:
            raise KafkaBroken("a topic of ours was made anew")
        wait_s = self._runner.turn(idle_s)
        if wait_s:
            self._known.bell.wait(wait_s, over)

    def close(self) -> None:
        """Leave what jobs read. What is under way goes on where it is written, whoever leads next."""
        self._runner.close()
