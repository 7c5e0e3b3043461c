"""Replays written: a delivery on the spill topic (or the ordered one), and its chain's generation on the jobs topic.

The law: both records are one Kafka transaction, so a replay is counted exactly when it is on its way, wherever this
process is killed. What a batch makes of a job is `beside` it in that transaction: so a job is as far as what it sent.
There is one writer at a time (`kafka.transactions`), and only once it is open are the generations read. So no
generation is given twice, also by two runs at once. An operator's command has a ledger of its own, so that the role
`jobs` goes on beside it. Should both replay one chain in the same moment, they give it the same generation: that is one
delivery, of which every reader drops the second record.

Two writes in any order would not do: counted first, a crash in between loses the replay in silence; written first, it
is made again with the same id, and dropped as a repeat only while its readers remember that id.
"""

from collections.abc import Sequence
from typing import Final, Self

from consumer.data_keys.sealing import Sealing
from consumer.delivery.order_partition import BEFORE
from consumer.kafka.client import Properties
from consumer.kafka.records import encode_delivery
from consumer.kafka.replayed import read_replays, replay_record
from consumer.kafka.topics import Topics
from consumer.kafka.transactions import TIMEOUT_S, BatchRefused, TakenOver, Transactions, transactional_properties
from consumer.kafka.writing import NewRecord
from consumer.replay.plan import Place, Planned
from consumer.settings import Settings

__all__ = ["MOST", "BatchRefused", "Ledger", "TakenOver", "generations", "ledger_properties", "replayed_record"]

MOST: Final = 500
"""Replays in one batch."""

_NAME: Final = "replay"
_BY_HAND: Final = "replay.by-hand"


class Ledger:
    """The one writer of replays. Belongs to one thread."""

    def __init__(self, settings: Settings, transactions: Transactions, sealing: Sealing | None) -> None:
        self._settings = settings
        self._topics = Topics.of(settings)
        self._transactions = transactions
        self._sealing = sealing

    @classmethod
    def open(
        cls, settings: Settings, *, sealing: Sealing | None, by_hand: bool = False, within_s: float = TIMEOUT_S
    ) -> Self:
        """Become the writer: of jobs, or `by_hand` of an operator's command. `sealing`: who seals what is sent again.

        Raises:
            ConfigurationError: the user's Kafka properties contradict those needed.
            KafkaBroken: Kafka did not answer, or forbids the transactional id.
        """
        transactions = Transactions.open(settings, _BY_HAND if by_hand else _NAME, within_s=within_s)
        return cls(settings, transactions, sealing)

    def generations(self) -> dict[str, int]:
        """How often each chain was replayed.

        Raises:
            KafkaBroken: the jobs topic could not be read.
        """
        return generations(self._settings)

    def write(self, batch: Sequence[Planned], beside: Sequence[NewRecord] = ()) -> None:
        """Write a batch of at most `MOST`, and further records beside it, whole or not at all.

        Raises:
            TakenOver: another ledger was opened; nothing of this batch was written.
            BatchRefused: nothing of it was written, for one of its records is too large for its topic.
            KafkaBroken: nothing was written, or, where the last answer was lost, all of it; a data key did not come.
        """
        assert len(batch) <= MOST
        # Encoded before anything is begun: a bug in one record leaves no transaction open.
        records = [record for planned in batch for record in self._records(planned)]
        self._transactions.write([*records, *beside])

    def _records(self, planned: Planned) -> tuple[NewRecord, NewRecord]:
        return replay_record(self._settings, planned.replay), replayed_record(self._topics, planned, self._sealing)


def replayed_record(topics: Topics, planned: Planned, sealing: Sealing | None = None) -> NewRecord:
    """The replay: to the spill topic, or to its place in its line of the ordered topic."""
    delivery = planned.delivery
    value = encode_delivery(delivery)
    if sealing is not None:
        value = sealing.whole(delivery.event.tenant, value)
    if delivery.order is None:
        return NewRecord(topic=topics.retry(0), key=delivery.subscription_id.encode(), value=value)
    headers = (BEFORE,) if planned.place is Place.BEFORE else ()
    return NewRecord(topic=topics.ordered, key=delivery.order.encode(), value=value, headers=headers)


def generations(settings: Settings) -> dict[str, int]:
    """How often each chain was replayed, as far as it is committed now.

    Raises:
        KafkaBroken: the jobs topic could not be read.
    """
    return {chain: replay.generation for chain, replay in read_replays(settings).items()}


def ledger_properties(settings: Settings) -> Properties:
    """See `transactions.transactional_properties`."""
    return transactional_properties(settings, _NAME)
