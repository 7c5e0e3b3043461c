from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from consumer.telemetry.redaction import HIDDEN, is_secret_name, sayable, scrubbed

SECRET_NAMES = [
    "secret", "previous_secret", "Authorization", "webhook-signature", "X-Convo-Signature", "headers",
    "request_headers", "password", "sasl.password", "api_key", "encryption_keys", "keys", "cookie", "access_token",
    "private_key_pem",
]  # fmt: skip
PLAIN_NAMES = ["event", "tenant", "topic", "record_key", "key_id", "url", "offset", "partition", "monkey", "secret_id"]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_secret_bearing_name_hides_any_value(name: str) -> None:
    assert is_secret_name(name)
    assert sayable(name, {"deep": ["inside"]}) == HIDDEN


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_other_names_are_shown(name: str) -> None:
    assert sayable(name, "fine") == "fine"


@given(st.recursive(st.just("tea"), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_a_secret_is_found_at_any_depth(around: object) -> None:
    line = {"around": around, "options": {"list": [{"secret": "tip-top"}, SecretStr("tip-top")]}}

    assert "tip-top" not in repr(sayable("line", line))


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("redis://user:hunter2@cache:6379/0 refused", "redis://***@cache:6379/0 refused"),
        ("redis://:hunter2@cache", "redis://***@cache"),
        ("secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw is old", "secret whsec_*** is old"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer ***"),
        (f"there is no key hk_{'Ab1' * 5}x_{'s' * 38}!", f"there is no key hk_{'Ab1' * 5}x_***!"),
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_credentials_inside_a_text_are_hidden(said: str, heard: str) -> None:
    assert scrubbed(said) == heard
    assert sayable("detail", said) == heard
    assert sayable("error", ValueError(said)) == f"ValueError: {heard}"


def test_an_unknown_object_is_named_and_not_shown() -> None:
    @dataclass
    class Request:
        body: str = "private"

    assert sayable("request", Request()) == "<Request>"
    assert sayable("value", b"private") == "<7 bytes>"
