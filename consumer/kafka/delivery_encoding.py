"""The delivery record, encoded by hand: what every retry, every wait and every delivery in order writes.

The law: the bytes are those that fastavro writes for schemas/avro/Delivery.avsc (`tests/property/test_records.py`).
How it is put together: `avro_text.py`.
"""

from operator import attrgetter
from typing import Final

from consumer.delivery.delivery import Delivery
from consumer.events.event import Event
from consumer.kafka.avro_bytes import layout
from consumer.kafka.avro_text import writing
from consumer.schemas import avro_history
from consumer.wire import WireFormat

DELIVERY: Final = WireFormat(avro_history("Delivery"))
LAYOUT: Final = layout(avro_history("Delivery")[0])

_EVENT: Final = Event.__struct_fields__  # the id, then the event, then the rest
_write: Final = writing(DELIVERY.head, LAYOUT.kinds)
_of_event: Final = attrgetter(*_EVENT)
_of_rest: Final = attrgetter(*LAYOUT.names[1 + len(_EVENT) :])


def encode_delivery(delivery: Delivery) -> bytes:
    """For a delay topic, or the ordered one.

    Raises:
        UnicodeEncodeError: a text of it is not Unicode.
    """
    return _write((delivery.id, *_of_event(delivery.event), *_of_rest(delivery)))
