"""A brand's files are valid as a whole, or refused with the file, the field and the fix."""

import json
from pathlib import Path

import pytest

from consumer.brands.loader import BrandInvalid, load_brands
from tests.brands_page import OWN_EVENTS

LOOK = """
title = "Acme"
signing = "hex"
payload_format = "event"
signature_header = "X-Acme-Signature"
timeout_ms = 10_000
retries = "standard"
secret_prefix = "whsec_"
key_prefix = "acme_"
catalogue = "closed"
user_agent = "Acme/1.0"

[api]
list_field = "events"
"""
ENTRY = {"type": "a.b", "description": "It happened.", "sample": {"n": 1}, "schema": {"$ref": "#/$defs/numbered"}}
DEFS = {"numbered": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}, "n": {"type": "integer"}, "no": {}}
CATALOGUE = {"$defs": DEFS, "events": [ENTRY]}


def write(folder: Path, look: str = LOOK, catalogue: object = CATALOGUE, name: str = "acme") -> Path:
    (folder / f"{name}.toml").write_text(look)
    if catalogue is not None:
        (folder / f"{name}.events.json").write_text(catalogue if isinstance(catalogue, str) else json.dumps(catalogue))
    return folder


def test_valid_files_are_a_brand_beside_those_that_come_with_hookline(tmp_path: Path) -> None:
    brands = load_brands(write(tmp_path))
    acme = brands["acme"]
    assert set(brands) == {*load_brands(), "acme"}
    assert (acme.name, acme.title, acme.closed_catalogue) == ("acme", "Acme", frozenset({"a.b"}))
    assert (acme.api.base_path, acme.api.list_field, acme.api.editable) == ("/v1/webhooks", "events", True)


def test_a_schema_takes_with_it_the_definitions_it_needs_and_no_others(tmp_path: Path) -> None:
    entry = load_brands(write(tmp_path))["acme"].announced("a.b")
    assert entry is not None
    assert entry.sample == {"n": 1}
    assert entry.schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/numbered",
        "$defs": {"numbered": DEFS["numbered"], "n": DEFS["n"]},
    }


def test_a_brand_s_own_entry_for_what_hookline_sends_stands_before_the_usual_one(tmp_path: Path) -> None:
    own = {**ENTRY, "type": "webhook.test", "description": "Ours."}
    acme = load_brands(write(tmp_path, catalogue={"$defs": DEFS, "events": [own]}))["acme"]
    assert [entry.type for entry in acme.catalogue] == [
        *OWN_EVENTS,
    ]
    assert acme.catalogue[0].description == "Ours."


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('signing = "hex"', 'signing = "md5"', "signing: must be 'standard', 'ed25519', 'hex', 'sha256' or 'stripe'"),
        ("timeout_ms = 10_000", "timeout_ms = 10", "timeout_ms: must be greater than or equal to 1000"),
        ("timeout_ms = 10_000", 'timeout_ms = "10000"', "timeout_ms: must be a valid integer"),
        ('title = "Acme"', "", "title: is missing: add it"),
        ('title = "Acme"', 'title = " "', "title: must not be empty"),
        ('title = "Acme"', 'title = "Acme"\ncolour = "red"', "colour: is no field that a brand has: remove it"),
        ('title = "Acme"', 'title = "Acme"\nname = "other"', "name: is no field"),
        ('"X-Acme-Signature"', '"X Acme"', "signature_header: must be letters, digits and hyphens, as in X-Acme-S"),
        ('key_prefix = "acme_"', 'key_prefix = "Acme-"', "key_prefix: must be lower-case letters and digits with _ b"),
        ('key_prefix = "acme_"', 'key_prefix = "acme"', "key_prefix: must be "),
        ('list_field = "events"', 'list_field = "types"', "api.list_field: must be 'topics' or 'events'"),
        (
            'list_field = "events"',
            'base_path = "/v1/webhooks/"',
            "api.base_path: must be a path without a slash at its",
        ),
        ('list_field = "events"', 'base_path = "/livez/webhooks"', "api.base_path: must not begin with /livez"),
        ('list_field = "events"', 'base_path = "/v1/keys"', "api.base_path: must not end with /keys"),
        ('list_field = "events"', 'base_path = "/keys"', "api.base_path: must not end with /keys"),
        (
            '"X-Acme-Signature"',
            '"Content-Type"',
            "signature_header: must not be Content-Type, which HTTP or Hookline own",
        ),
        ('"X-Acme-Signature"', '"webhook-id"', "signature_header: must not be webhook-id"),
        (
            "timeout_ms",
            'event_header = "x-acme-signature"\ntimeout_ms',
            "event_header: must be another header than signa",
        ),
        ('title = "Acme"', 'title = "木"', "title: must hold a letter or digit of ASCII"),
        ('list_field = "events"', "editable = 1", "api.editable: must be a valid boolean"),
        ("title =", "title", "is not TOML"),
    ],
)
def test_an_invalid_look_is_refused(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    assert was in LOOK
    with pytest.raises(BrandInvalid) as refused:
        load_brands(write(tmp_path, look=LOOK.replace(was, becomes, 1)))
    assert str(refused.value).startswith("acme.toml: " + says)
    assert refused.value.field == "acme.toml"


@pytest.mark.parametrize(
    ("catalogue", "says"),
    [
        ({"events": [ENTRY | {"type": "A b"}], "$defs": DEFS}, "events.0.type: must be lower-case words with dots"),
        ({"events": [ENTRY | {"note": ""}], "$defs": DEFS}, "events.0.note: is no field that a brand has"),
        ({"events": [ENTRY | {"sample": [1]}], "$defs": DEFS}, "events.0.sample: "),
        ({"events": [{"type": "a.b"}], "$defs": DEFS}, "events.0.description: is missing: add it"),
        ({"events": [ENTRY, ENTRY], "$defs": DEFS}, "events: a.b is listed twice: remove one"),
        ({"events": [ENTRY]}, "events.0.schema: #/$defs/numbered leads nowhere: define it under $defs of this file"),
        (
            {"events": [ENTRY | {"schema": {"items": [{"$ref": "https://example.com/n"}]}}]},
            "events.0.schema: https://example.com/n leads nowhere",
        ),
        ([], "the file: "),
        ("{", "is not JSON: "),
    ],
)
def test_an_invalid_catalogue_is_refused(tmp_path: Path, catalogue: object, says: str) -> None:
    with pytest.raises(BrandInvalid) as refused:
        load_brands(write(tmp_path, catalogue=catalogue))
    assert str(refused.value).startswith("acme.events.json: " + says)


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "acme.events.json").write_bytes(b"\xff")
    with pytest.raises(BrandInvalid, match=r"acme\.events\.json: is not JSON"):
        load_brands(tmp_path)
    (tmp_path / "acme.toml").write_bytes(b"\xff")
    with pytest.raises(BrandInvalid, match=r"acme\.toml: is not TOML"):
        load_brands(tmp_path)


@pytest.mark.parametrize("name", ["acme.toml", "acme.events.json"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(BrandInvalid, match=name + ": cannot be read: Is a directory"):
        load_brands(tmp_path)


@pytest.mark.parametrize("catalogue", [None, {"events": []}])
def test_a_closed_catalogue_without_types_is_refused(tmp_path: Path, catalogue: object) -> None:
    with pytest.raises(BrandInvalid, match=r"acme\.toml: catalogue: .* at least one event type in acme\.events\.json"):
        load_brands(write(tmp_path, catalogue=catalogue))


def test_an_open_catalogue_may_be_left_out(tmp_path: Path) -> None:
    acme = load_brands(write(tmp_path, look=LOOK.replace('"closed"', '"open"'), catalogue=None))["acme"]
    assert acme.closed_catalogue is None


def test_a_catalogue_without_its_brand_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "acne.events.json").write_text("{}")
    with pytest.raises(BrandInvalid, match=r"acne\.events\.json: belongs to no brand: there is no acne\.toml"):
        load_brands(tmp_path)


def test_a_brand_of_hookline_s_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(BrandInvalid, match=r"convo\.toml: comes with Hookline under this name: name your file other"):
        load_brands(write(tmp_path, name="convo"))


@pytest.mark.parametrize("name", ["Acme", "a_b", "1st", "a" * 33])
def test_a_file_name_that_is_no_brand_s_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BrandInvalid, match=r"the name before \.toml must be"):
        load_brands(write(tmp_path, name=name))
