"""Hypothesis strategies for what travels through Hookline."""

import json

from hypothesis import strategies as st

from consumer.events.event import Record, RecordHeaders

# Printable text of one to eight characters: what types, tenants and products are made of.
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.isprintable)
event_ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)

header_names = st.sampled_from(
    (
        "content-type",
        "traceparent",
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "event-type",
        "tenant",
        "event-id",
        "event-time",
        "hookline-anything",
    )
)
header_values = (
    st.none()
    | st.binary(max_size=20)
    | st.sampled_from((b"1.0", b"application/cloudevents+json", b"application/json", b"a.b", b"2026-01-01T00:00:00Z"))
)
headers = st.lists(st.tuples(header_names, header_values), max_size=8).map(tuple)


def record(value: bytes | None, record_headers: RecordHeaders = (), *, offset: int = 7) -> Record:
    """A record of topic `orders`, partition 3, with this value."""
    return Record(
        topic="orders",
        partition=3,
        offset=offset,
        key=b"key",
        value=value,
        headers=record_headers,
        timestamp_ms=1_700_000_000_000,
    )


def written(value: object) -> bytes:
    """A value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode()


records = st.builds(record, st.none() | st.binary(max_size=200) | json_values.map(written), headers)
