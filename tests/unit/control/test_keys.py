"""What an API key is made of, and what its text says of itself."""

import re
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from consumer.brands.loader import load_brands
from consumer.control import key_record
from consumer.control.keys import USUAL_SCOPES, ApiKey, Scope, digest_of, mint, operator, parse
from consumer.settings import Settings
from consumer.webhooks.wrong import FieldInvalid
from consumer.wire import RecordCorrupt

NOW_MS = 1_790_000_000_000
ZEROS = bytes(32)


def minted(brand: str = "hookline", entropy: bytes = ZEROS, expires_at_ms: int | None = None) -> tuple[ApiKey, str]:
    return mint(
        tenant="acme",
        brand=load_brands()[brand],
        scopes=USUAL_SCOPES,
        name="CI",
        expires_at_ms=expires_at_ms,
        now_ms=NOW_MS,
        entropy=lambda size: entropy[:size],
    )


def test_a_key_is_written_as_the_page_of_the_module_says() -> None:
    _, text = minted()
    # The CRC-32 that gzip writes behind these 52 characters is 1261735968.
    assert text == "hk_" + "0" * 16 + "_" + "0" * 32 + "1NO7A8"


@pytest.mark.parametrize("brand", sorted(load_brands()))
def test_a_key_of_every_brand_begins_with_its_prefix_and_is_parsed_to_its_id(brand: str) -> None:
    key, text = minted(brand, bytes(range(32)))
    assert text.startswith(load_brands()[brand].key_prefix)
    assert parse(text) == key.id
    assert (key.brand, key.digest) == (brand, digest_of(text))
    assert text not in repr(key)
    assert key.digest.hex() not in repr(key)


@given(st.binary(min_size=64, max_size=64))
def test_every_key_has_its_form_and_its_two_halves_are_drawn_apart(drawn: bytes) -> None:
    left = [drawn[:32], drawn[32:]]
    key, text = mint(
        tenant="acme",
        brand=load_brands()["convo"],
        scopes=[Scope.READ],
        name="",
        expires_at_ms=None,
        now_ms=NOW_MS,
        entropy=lambda size: left.pop(0)[:size],
    )
    assert re.fullmatch(r"convo_[0-9A-Za-z]{16}_[0-9A-Za-z]{38}", text)
    assert parse(text) == key.id
    assert not left


@given(st.integers(0, 57), st.sampled_from(string.ascii_letters + string.digits + "_-. \u00e9"))
def test_a_text_with_one_character_changed_is_no_key(at: int, other: str) -> None:
    _, text = minted(entropy=bytes(range(32)))
    assert len(text) == 58
    changed = text[:at] + other + text[at + 1 :]
    assert (parse(changed) is None) == (changed != text)


@pytest.mark.parametrize(
    "text", ["", "hk_", "Bearer", "hk_" + "0" * 16, "\x00" * 58, "é" * 58, "\ud800", "hk_\n", "_" * 58]
)
def test_what_is_no_key_is_parsed_to_nothing(text: str) -> None:
    assert parse(text) is None
    assert parse(minted()[1] + text + "\n") is None


@given(st.text() | st.from_regex(r"[a-z_]{0,4}[0-9A-Za-z]{16}_[0-9A-Za-z]{38}", fullmatch=True))
def test_any_text_is_a_key_or_nothing_and_never_an_error(text: str) -> None:
    assert parse(text) in {None, text[-55:-39]}


def test_a_key_holds_until_it_expires_or_is_revoked() -> None:
    key, _ = minted(expires_at_ms=NOW_MS + 1)
    assert key.holds(NOW_MS)
    assert not key.holds(NOW_MS + 1)
    assert not replace(key, expires_at_ms=None, revoked_at_ms=NOW_MS).holds(NOW_MS)
    assert replace(key, expires_at_ms=None).holds(NOW_MS + 10**12)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"scopes": ()}, "scopes"),
        ({"expires_at_ms": NOW_MS}, "expires_at"),
        ({"expires_at_ms": 2**63}, "expires_at"),
        ({"tenant": " "}, "tenant"),
        ({"name": "two\nlines"}, "name"),
    ],
)
def test_a_key_that_cannot_be_is_refused_by_its_field(changed: dict[str, object], field: str) -> None:
    wishes: dict[str, object] = {
        "tenant": "acme",
        "brand": load_brands()["hookline"],
        "scopes": USUAL_SCOPES,
        "name": "",
        "expires_at_ms": None,
        "now_ms": NOW_MS,
        "entropy": bytes,
    }
    with pytest.raises(FieldInvalid) as refused:
        mint(**wishes | changed)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_the_operators_key_is_the_one_of_the_settings_and_without_it_there_is_none() -> None:
    held = Settings(operator_key=SecretStr("o" * 32))
    assert operator(held, "o" * 32)
    assert not operator(held, "o" * 31)
    assert not operator(held, "")
    assert not operator(Settings(), "")
    assert not operator(Settings(), "o" * 32)


@given(
    expires_at_ms=st.none() | st.integers(NOW_MS + 1, 2**50),
    revoked_at_ms=st.none() | st.integers(0, 2**50),
    scopes=st.frozensets(st.sampled_from(Scope), min_size=1),
)
def test_a_key_is_read_as_it_was_written(
    expires_at_ms: int | None, revoked_at_ms: int | None, scopes: frozenset[Scope]
) -> None:
    key, _ = minted()
    key = replace(key, expires_at_ms=expires_at_ms, revoked_at_ms=revoked_at_ms, scopes=scopes)
    assert key_record.decode(key_record.encode(key), key.id) == key


def test_a_record_of_another_id_or_with_an_unknown_scope_is_refused() -> None:
    key, _ = minted()
    with pytest.raises(RecordCorrupt, match="not its id"):
        key_record.decode(key_record.encode(key), "other")
    encoded = key_record.encode(replace(key, scopes=frozenset({Scope.READ})))
    with pytest.raises(RecordCorrupt, match="reed"):
        key_record.decode(encoded.replace(b"read", b"reed"), key.id)
    with pytest.raises(RecordCorrupt):
        key_record.decode(encoded[:-1], key.id)
