import json
import tracemalloc

import pytest
from msgspec.structs import replace

from consumer.brands.loader import brand
from consumer.signing.chat import DISCORD_CONTENT, DISCORD_TITLE, SLACK_HEADER, SLACK_SECTION, SLACK_TEXT
from consumer.signing.payload import render
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.subscription import PayloadFormat
from tests.unit.signing.signing_parts import EVENT, HOOKLINE

ODD_DATA = b'{"n": 1.10, "big": 12345678901234567890, "e":1E5, "s":"\\u00e9 \xc3\xa9", "b":2, "a":1}'


def parsed(payload_format: PayloadFormat, data: bytes = EVENT.data, event_type: str = EVENT.type) -> dict[str, object]:
    body, _ = render(payload_format, replace(EVENT, data=data, type=event_type), HOOKLINE)
    read: dict[str, object] = json.loads(body)
    return read


@pytest.mark.parametrize("payload_format", [PayloadFormat.STANDARD, PayloadFormat.EVENT, PayloadFormat.CLOUDEVENTS])
def test_data_is_spliced_in_byte_for_byte(payload_format: PayloadFormat) -> None:
    body, _ = render(payload_format, replace(EVENT, data=ODD_DATA), HOOKLINE)
    assert b'"data":' + ODD_DATA in body
    json.loads(body)


def test_standard() -> None:
    body, content_type = render(PayloadFormat.STANDARD, replace(EVENT, data=b"[1]"), HOOKLINE)
    assert body == b'{"type":"feedback.created","timestamp":"2026-03-19T14:30:00.000Z","data":[1]}'
    assert content_type == "application/json"


@pytest.mark.parametrize(("product", "written"), [(None, b"null"), ('p"1', b'"p\\"1"')])
def test_event_with_workspace(product: str | None, written: bytes) -> None:
    body, _ = render(PayloadFormat.EVENT, replace(EVENT, data=b"{}", product=product), brand("conclude"))
    assert body == (
        b'{"event":"feedback.created","workspace_id":"acme","product_id":' + written
        + b',"data":{},"timestamp":"2026-03-19T14:30:00.000Z"}'
    )  # fmt: skip


def test_event_without_workspace() -> None:
    body, _ = render(PayloadFormat.EVENT, replace(EVENT, data=b"{}", product="p"), brand("convo"))
    assert body == b'{"event":"feedback.created","data":{},"timestamp":"2026-03-19T14:30:00.000Z"}'


def test_cloudevents_is_structured_1_0() -> None:
    body, content_type = render(PayloadFormat.CLOUDEVENTS, replace(EVENT, tenant="a/ü", product="p 1"), HOOKLINE)
    assert content_type == "application/cloudevents+json"
    assert json.loads(body) == {
        "specversion": "1.0",
        "id": EVENT.id,
        "source": "/hookline/a%2F%C3%BC/p%201",
        "type": EVENT.type,
        "time": "2026-03-19T14:30:00.000Z",
        "datacontenttype": "application/json",
        "data": json.loads(EVENT.data),
    }


def test_raw_is_the_data_alone() -> None:
    assert render(PayloadFormat.RAW, replace(EVENT, data=ODD_DATA), HOOKLINE) == (ODD_DATA, "application/json")


@pytest.mark.parametrize("payload_format", PayloadFormat)
def test_odd_names_are_carried_whole(payload_format: PayloadFormat) -> None:
    odd = replace(EVENT, type='a"\n\\\ud800é', tenant="\udfff", data=b'"\\ud800"')
    body, _ = render(payload_format, odd, HOOKLINE)
    json.loads(body)
    body.decode()


LARGE = json.dumps({"text": "😀`&<" * 5_000}).encode()


@pytest.mark.parametrize("data", [b"{}", LARGE, ODD_DATA])
@pytest.mark.parametrize("event_type", ["a.b", "t" * 5_000, "&" * 400])
def test_slack_keeps_its_limits(data: bytes, event_type: str) -> None:
    message = parsed(PayloadFormat.SLACK, data, event_type)
    assert list(message) == ["text", "blocks"]
    text, blocks = message["text"], message["blocks"]
    assert isinstance(text, str)
    assert isinstance(blocks, list)
    header, section, _ = blocks
    assert 0 < len(text) <= SLACK_TEXT
    assert len(header["text"]["text"]) <= SLACK_HEADER
    shown = section["text"]["text"]
    assert len(shown.encode("utf-16-le")) // 2 <= SLACK_SECTION
    assert shown.count("```") == 2
    assert shown.startswith("```")
    assert shown.endswith("```")


@pytest.mark.parametrize("data", [b"{}", LARGE, ODD_DATA])
@pytest.mark.parametrize("event_type", ["a.b", "t" * 5_000, "@everyone"])
def test_discord_keeps_its_limits_and_mentions_nobody(data: bytes, event_type: str) -> None:
    message = parsed(PayloadFormat.DISCORD, data, event_type)
    assert list(message) == ["content", "embeds"]
    content, embeds = message["content"], message["embeds"]
    assert isinstance(content, str)
    assert isinstance(embeds, list)
    (embed,) = embeds
    assert 0 < len(content) <= DISCORD_CONTENT
    assert "@everyone" not in content
    assert len(embed["title"]) <= DISCORD_TITLE
    assert len(embed["description"].encode("utf-16-le")) // 2 <= 4_096
    assert len(embed["title"]) + len(embed["description"]) <= 6_000
    assert embed["description"].count("```") == 2


def test_slack_never_halves_an_entity() -> None:
    for length in range(280, 300):
        text = parsed(PayloadFormat.SLACK, b"{}", "t" * length + "&&&&&")["text"]
        assert isinstance(text, str)
        assert text.count("&") == text.count("&amp;")
        assert len(text) <= SLACK_TEXT


def test_data_is_shown_as_it_was_written() -> None:
    section = parsed(PayloadFormat.SLACK, b'{"a":1.50,"b":[]}')["blocks"]
    assert isinstance(section, list)
    assert section[1]["text"]["text"] == '```\n{\n  "a": 1.50,\n  "b": []\n}\n```'


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_790_000_000_007, "2026-09-21T14:13:20.007Z"),
        (10**18, "9999-12-31T23:59:59.000Z"),
        (-(10**18), "0000-01-01T00:00:00.000Z"),
    ],
)
def test_times_have_milliseconds_and_z(time_ms: int, text: str) -> None:
    assert rfc3339(time_ms) == text


@pytest.mark.parametrize("payload_format", [PayloadFormat.SLACK, PayloadFormat.DISCORD])
def test_what_is_cut_is_not_laid_out(payload_format: PayloadFormat) -> None:
    deep = b"[" * 499 + b"[" + b",".join([b"1"] * 100_000) + b"]" + b"]" * 499
    tracemalloc.start()
    try:
        parsed(payload_format, deep)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
