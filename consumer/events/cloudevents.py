"""CloudEvents 1.0 on Kafka, in binary mode (`ce_*` headers) and structured mode (one JSON object).

The law: what the record declares decides, not what its bytes look like. As in the CloudEvents Kafka protocol binding,
a content type of the `application/cloudevents` family comes first, then the header `ce_specversion`, and last the
member `specversion` of a JSON object that no header declares (`envelope.py`).

`subject`, or the extension the operator configured, is the tenant; the extension `product` is the product. The
payload must be JSON, because that is what webhooks carry: batches, `+avro`, other content types and `data_base64` are
refused.
"""

from dataclasses import dataclass

from consumer.events.document import json_text
from consumer.events.event import Event, Record
from consumer.events.fields import event, text_ms
from consumer.events.headers import NamedHeaders
from consumer.events.limits import check_depth
from consumer.events.members import NO_DATA, Members, members, text, time_ms
from consumer.events.reasons import PoisonReason, Refused
from consumer.events.rules import EventRules

_FAMILY = "application/cloudevents"
_STRUCTURED = "application/cloudevents+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _CloudEvent:
    specversion: str | None
    id: str | None
    source: str | None
    type: str | None
    tenant: str | None
    product: str | None
    time_ms: int | None
    data: bytes


def read(record: Record, value: bytes, headers: NamedHeaders, rules: EventRules) -> Event | None:
    """The event, or None if the record does not declare itself a CloudEvent."""
    if "content-type" not in headers and "ce_specversion" not in headers:
        return None
    media = _media_type(headers)
    if media == _STRUCTURED:
        return structured(record, headers, members(value), rules)
    if media.startswith(_FAMILY):
        raise Refused(
            PoisonReason.UNSUPPORTED_FORMAT,
            "of CloudEvents only application/cloudevents+json and the binary mode are read: no batches",
        )
    if "ce_specversion" in headers:
        return _binary(record, value, headers, rules, media)
    return None


def _media_type(headers: NamedHeaders) -> str:
    """The content type without its parameters or the quotes some clients write; empty if there is none."""
    declared = headers.value("content-type")
    if declared is None:
        return ""
    return declared.partition(b";")[0].strip(b' \t"').lower().decode("ascii", "replace")


def _is_json(media: str) -> bool:
    return media in ("", "application/json", "text/json") or media.endswith("+json")


def _binary(record: Record, value: bytes, headers: NamedHeaders, rules: EventRules, media: str) -> Event:
    if not _is_json(media):
        raise Refused(
            PoisonReason.UNSUPPORTED_FORMAT, "the content-type of a CloudEvent in binary mode must be JSON, as its data"
        )
    time = headers.text("ce_time")
    found = _CloudEvent(
        specversion=headers.text("ce_specversion"),
        id=headers.text("ce_id"),
        source=headers.text("ce_source"),
        type=headers.text("ce_type"),
        tenant=headers.text(f"ce_{rules.tenant_extension or 'subject'}"),
        product=headers.text("ce_product"),
        time_ms=None if time is None else text_ms("ce_time", time),
        # A CloudEvent need not have data, and Kafka cannot write "none" without a tombstone: an empty value is none.
        data=json_text(value) if value else b"null",
    )
    return _event(record, headers, rules, found)


def structured(record: Record, headers: NamedHeaders, found: Members, rules: EventRules) -> Event:
    """The event of a CloudEvent that is one JSON object, of these members."""
    if "data_base64" in found:
        raise Refused(PoisonReason.UNSUPPORTED_FORMAT, "data_base64 is binary, webhooks carry JSON: publish data")
    return _event(
        record,
        headers,
        rules,
        _CloudEvent(
            specversion=text(found, "specversion"),
            id=text(found, "id"),
            source=text(found, "source"),
            type=text(found, "type"),
            tenant=text(found, rules.tenant_extension or "subject"),
            product=text(found, "product"),
            time_ms=time_ms(found),
            data=bytes(found.get("data", NO_DATA)),
        ),
    )


def _event(record: Record, headers: NamedHeaders, rules: EventRules, found: _CloudEvent) -> Event:
    if found.specversion != "1.0":
        raise Refused(PoisonReason.UNSUPPORTED_FORMAT, "specversion must be 1.0")
    tenant_name = rules.tenant_extension or "subject"
    for name, value in (("id", found.id), ("source", found.source), (tenant_name, found.tenant)):
        if not value:
            why = "it names the tenant" if name == tenant_name else "CloudEvents 1.0 requires it"
            raise Refused(PoisonReason.MISSING_FIELD, f"{name} is missing: {why}")
    check_depth(found.data, rules.max_event_depth)
    return event(
        record,
        headers,
        id=found.id,
        type=found.type,
        tenant=found.tenant,
        product=found.product,
        time_ms=found.time_ms,
        data=found.data,
        source=found.source,
    )
