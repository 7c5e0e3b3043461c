from pathlib import Path

import pytest

from consumer.brands.loader import BrandInvalid, BrandUnknown, brand, load_brands

VALID = """
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

[[events]]
type = "a.b"
description = "It happened."
"""


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


def test_convo_sends_the_event_type_in_its_header() -> None:
    assert brand("convo").event_header == "X-Convo-Event"


def test_an_unknown_brand_lists_those_there_are() -> None:
    with pytest.raises(BrandUnknown, match="conclude, convo, featurebase, hookline, mintlify, trackelio"):
        brand("acme")


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('signing = "hex"', 'signing = "md5"', "signing"),
        ("timeout_ms = 10_000", "timeout_ms = 10", "timeout_ms"),
        ('title = "Acme"', "", "title"),
        ('title = "Acme"', 'title = "Acme"\ncolour = "red"', "colour"),
        ('"X-Acme-Signature"', '"X Acme"', "signature_header"),
        ('type = "a.b"', 'type = "a b"', r"events\.0\.type"),
        ("[[events]]", '[[events]]\ntype = "a.b"\ndescription = "x"\n[[events]]', "listed twice"),
        ("title =", "title", "not TOML"),
    ],
)
def test_an_invalid_file_is_refused_by_file_and_field(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    assert was in VALID
    (tmp_path / "acme.toml").write_text(VALID.replace(was, becomes, 1))
    with pytest.raises(BrandInvalid, match=rf"acme\.toml: .*{says}"):
        load_brands(tmp_path)


def test_a_closed_catalogue_without_types_is_refused(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(VALID.partition("[[events]]")[0])
    with pytest.raises(BrandInvalid, match="at least one"):
        load_brands(tmp_path)


def test_a_valid_file_is_a_brand(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(VALID)
    assert load_brands(tmp_path)["acme"].closed_catalogue == frozenset({"a.b"})
