"""An attempt's record, as far as health needs it.

The law: the bodies and headers, nearly all of a record, are passed over unread (12 µs a record; all of it takes 20).
"""

from dataclasses import fields
from typing import Final

from consumer.kafka.attempt_encoding import ATTEMPT
from consumer.log.health import Sent
from consumer.wire import RecordCorrupt

_LAST_MS: Final = 253_402_300_799_999

_decode: Final = ATTEMPT.reading([field.name for field in fields(Sent)])


def sent_of(value: bytes) -> Sent:
    """What the attempts topic holds.

    Raises:
        RecordCorrupt: it is no attempt.
    """
    sent = Sent(**_decode(value))
    if not (0 <= sent.at_ms <= sent.at_ms + sent.elapsed_ms <= _LAST_MS):  # nor is it where one is not a number
        raise RecordCorrupt("its time lies outside of 1970 to 9999")
    return sent
