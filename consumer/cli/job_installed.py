"""What an installation has for those who ask for jobs straight from Kafka and Redis: `job_installation.py` has it.

The law: whoever asks for jobs (`direct_jobs.py`) touches neither Kafka nor Redis but by these.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from consumer.cli.webhook_port import Shown
from consumer.control.owner import Owner
from consumer.jobs.conduct import AskedJob
from consumer.jobs.desk import Desk
from consumer.jobs.found import Found
from consumer.jobs.job import Answered, Asked
from consumer.webhooks.subscription import Subscription


class Installed(Protocol):
    """What an installation has for those who ask for jobs."""

    @property
    def desk(self) -> Desk:
        """Where jobs are asked for."""

    @property
    def most_replays(self) -> int:
        """Of one chain: HOOKLINE_MAX_REPLAYS."""

    def webhook(self, webhook: str) -> Subscription:
        """One of the webhooks that the command may see. Raises WebhookUnknown."""

    def lying(self, owner: Owner, ids: Collection[str], webhook: str | None) -> Mapping[str, Found]:
        """Those of the owner's deliveries that there are, by their ids; of this webhook, where one is named."""

    def resend_now(self, owner: Owner, delivery: str, webhook: str | None, *, again: bool) -> Shown:
        """Send one at once, and wait: the attempt in full, as the API shows it.

        Raises:
            NotThere, AlreadyDelivered, KeptNoLonger, BodyNotKept, NeverMade: see `jobs.at_once`.
            KafkaBroken: the log could not be read, or the attempt not be logged.
        """

    def kept_since(self, since_ms: int) -> int | None:
        """Since when all events are kept; None where they are since then."""

    def tell(self, action: str, owner: Owner, *, target: str, made: str = "") -> None:
        """Tell the audit log what was done."""

    def shown(self, known: AskedJob, answered: Answered | None, now_ms: int) -> Shown:
        """A job as the API shows it."""

    def run_here(self, asked: Asked, *, stop: threading.Event, progress: Callable[[AskedJob], None]) -> AskedJob | None:
        """Do as this wish says, as the role would, and run the job until it has ended, is counted or paused.

        When `stop` is set, this ends at a batch's edge: the job goes on from there when anybody runs it. None: it was
        set before the job began.

        Raises:
            TakenOver: a role runs jobs now.
            KafkaBroken: it could not be run, or not to its end.
        """
