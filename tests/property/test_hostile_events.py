"""What the decoder accepts can be matched by any filter, rendered in any format and signed in any profile."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.events.document import parsed
from consumer.events.event import Event, Record, SchemaNeeded
from consumer.signing.payload import render
from consumer.signing.signer import Signer
from consumer.webhooks.filter import FilterInvalid, compile_filter
from consumer.webhooks.matching import Matcher
from consumer.webhooks.subscription import PayloadFormat, SigningProfile
from tests.hostile.events import accepted, decoded, records
from tests.unit.signing.signing_parts import HOOKLINE, KEYRING, NOW_MS, subscription
from tests.webhook_samples import event
from tests.webhook_samples import subscription as wanting

OPERATORS = (
    '"x"', "1", "null", "true", "1e308", "9" * 4_000, '{"exists": true}', '{"exists": false}', '{"prefix": ""}',
    '{"suffix": "y"}', '{"prefix": {"equals-ignore-case": "é"}}', '{"anything-but": ["x", 1]}',
    '{"anything-but": {"wildcard": "*a"}}',
    '{"numeric": [">", 0]}', '{"numeric": ["<=", -1e308]}', '{"numeric": ["=", 9007199254740993]}',
    '{"numeric": [">=", 0, "<", %s]}' % ("9" * 4_000), '{"wildcard": "*x*"}', '{"equals-ignore-case": "X"}',
)  # fmt: skip
FILTERS = [
    compile_filter(pattern % operator)
    for operator in OPERATORS
    for pattern in (
        '{"a": [%s]}',
        '{"": [%s]}',
        '{"data": {"a": {"a": [%s]}}}',
        '{"$or": [{"type": [%s]}, {"m": [1]}]}',
    )
]
SIGNERS = [Signer(subscription(profile), HOOKLINE, KEYRING) for profile in SigningProfile]


@settings(max_examples=400)
@given(accepted)
def test_what_is_accepted_can_be_matched_by_every_operator(found: Event) -> None:
    data = parsed(found.data)
    for each in FILTERS:
        assert each.matches(data) in (True, False)


@given(accepted, st.sampled_from(PayloadFormat), st.sampled_from(SIGNERS))
def test_what_is_accepted_can_be_rendered_and_signed(
    found: Event, payload_format: PayloadFormat, signer: Signer
) -> None:
    body, content_type = render(payload_format, found, HOOKLINE)
    request = signer.request(event=found, body=body, content_type=content_type, now_ms=NOW_MS)
    assert all(value.isascii() and value.isprintable() for _, value in request.headers)
    if payload_format not in (PayloadFormat.SLACK, PayloadFormat.DISCORD):
        assert found.data in body


@given(records)
def test_every_record_becomes_what_it_is(whole: Record) -> None:
    assert not isinstance(decoded(whole), SchemaNeeded)


@pytest.mark.parametrize("data", [b"[1e309]", b'{"a":[1e309]}', b'{"a":%b}' % (b"9" * 5_000), b'{"a":-1e99999}'])
def test_a_number_too_large_to_compare_matches_no_numeric_rule_and_every_other(data: bytes) -> None:
    def wants(rule: str) -> bool:
        return bool(Matcher([wanting(filter_json=f'{{"a": [{rule}]}}')]).match(event(data=data)))

    there = data.startswith(b"{")
    for comparison in ('">", 0', '"<", 0', '">=", -1e308', '"=", 1'):
        assert not wants(f'{{"numeric": [{comparison}]}}')
    assert wants('{"exists": true}') is there
    assert wants('{"anything-but": [1]}') is there


@given(st.text(st.characters(exclude_categories=()), max_size=20))
@example("\ud800")
def test_any_text_in_a_filter_is_compiled_or_refused(text: str) -> None:
    for pattern in ({"a": [text]}, {text: [1]}, {"a": [{"prefix": text}]}, {"a": text}):
        for ascii_only in (True, False):
            try:
                compile_filter(json.dumps(pattern, ensure_ascii=ascii_only)).matches({"a": text})
            except FilterInvalid:
                continue


def test_the_payload_is_sent_as_it_came_with_a_filter_and_without() -> None:
    found = replace(event(), data=b'{"a":1e309,"a" : -0}')
    assert Matcher([wanting(filter_json='{"a": [0]}')]).match(found)
    assert render(PayloadFormat.RAW, found, HOOKLINE)[0] == b'{"a":1e309,"a" : -0}'
