"""The brands that come with Hookline look and behave as design and their pages say."""

import pytest

from consumer.brands.brand import SENT_BY_HOOKLINE, ApiHabits
from consumer.brands.loader import BrandUnknown, brand, load_brands


@pytest.mark.parametrize(
    ("name", "look", "types"),
    [
        ("hookline", ("standard", "webhook-signature", "standard", "standard", "hk_"), None),
        ("conclude", ("hex", "X-Conclude-Signature", "event", "standard", "conclude_"), 5),
        ("convo", ("hex", "X-Convo-Signature", "event", "none", "convo_"), 11),
        ("trackelio", ("hex", "X-Trackelio-Signature", "event", "standard", "trackelio_"), 7),
        ("featurebase", ("hex", "X-Featurebase-Signature", "event", "standard", "fb_"), 27),
        ("mintlify", ("sha256", "X-Signature-256", "event", "standard", "mint_"), None),
    ],
)
def test_the_brands_look_as_their_pages_say(name: str, look: tuple[str, ...], types: int | None) -> None:
    found = brand(name)
    assert (found.signing, found.signature_header, found.payload_format, found.retries, found.key_prefix) == look
    assert found.timeout_ms == 10_000
    assert (None if found.closed_catalogue is None else len(found.closed_catalogue)) == types
    assert found.with_workspace is (name == "conclude")


def habits(base_path: str, list_field: str, envelope: str, secret: str, **others: bool) -> dict[str, object]:
    """Those that most brands have are left out."""
    usual = {"own_secret": True, "editable": True, "test_on_creation": False}
    return {"base_path": base_path, "list_field": list_field, "envelope": envelope, "secret": secret, **usual, **others}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hookline", habits("/v1/webhooks", "topics", "bare", "once")),
        ("conclude", habits("/v1/webhooks", "events", "bare", "once", own_secret=False, test_on_creation=True)),
        ("convo", habits("/api/v1/webhooks", "events", "data", "once", own_secret=False, editable=False)),
        ("trackelio", habits("/v1/webhooks", "events", "bare", "once")),
        ("featurebase", habits("/v2/webhooks", "topics", "bare", "readable")),
        ("mintlify", habits("/v1/webhooks", "events", "bare", "once")),
    ],
)
def test_the_brands_apis_behave_as_their_pages_say(name: str, expected: dict[str, object]) -> None:
    found = brand(name).api
    assert {field: getattr(found, field) for field in ApiHabits.__slots__} == expected


def test_convo_sends_the_event_type_in_its_header() -> None:
    assert brand("convo").event_header == "X-Convo-Event"


def test_an_unknown_brand_lists_those_there_are() -> None:
    with pytest.raises(BrandUnknown, match="conclude, convo, featurebase, hookline, mintlify, trackelio"):
        brand("acme")


@pytest.mark.parametrize("name", load_brands())
def test_every_brand_announces_what_hookline_itself_sends_once(name: str) -> None:
    types = [entry.type for entry in brand(name).catalogue]
    assert len(types) == len(set(types))
    assert set(types) >= SENT_BY_HOOKLINE


def test_an_entry_is_found_by_its_type() -> None:
    found = brand("convo").announced("transcript.failed")
    assert found is not None
    assert found.type == "transcript.failed"
    assert brand("convo").announced("transcript.lost") is None
