"""Which tenant a record names that is no event, so that it can be kept as that tenant's. Pure.

The law: a total function, and never a reason to refuse anything: a record that names nobody, or of which that cannot be
told (Avro, JSON that is broken, a name that is given twice in the headers), is nobody's.
"""

from contextlib import suppress
from typing import Final

import msgspec

from consumer.events.event import Record
from consumer.events.headers import NamedHeaders
from consumer.events.reasons import Refused
from consumer.events.rules import EventRules

_LOOKED_AT_MOST: Final = 16 * 1_048_576
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def named_tenant(record: Record, rules: EventRules) -> str | None:
    """The tenant, as the envelope or a CloudEvent names it."""
    of_cloud_event = rules.tenant_extension or "subject"
    headers = NamedHeaders(record.headers)
    with suppress(Refused):
        if "ce_specversion" in headers:
            return headers.text(f"ce_{of_cloud_event}")
        return _in_json(record.value, of_cloud_event)
    return None


def _in_json(value: bytes | None, of_cloud_event: str) -> str | None:
    if value is None or len(value) > _LOOKED_AT_MOST:
        return None
    with suppress(msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        members = _MEMBERS.decode(value)
        name = of_cloud_event if "specversion" in members else "tenant"
        return None if name not in members else msgspec.json.decode(members[name], type=str)
    return None
