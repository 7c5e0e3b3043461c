"""A customer's own headers, row by row."""

import pytest

from consumer.brands.brand import SigningProfile
from consumer.brands.loader import brand, load_brands
from consumer.signing.signer import event_header, signature_header
from consumer.webhooks.headers import MAX_HEADERS, MAX_LENGTH_TOGETHER, MAX_VALUE_LENGTH, check_headers
from consumer.webhooks.wrong import FieldInvalid

HOOKLINE = brand("hookline")

FREE = """
Authorization X-Api-Key X-Team Accept Accept-Language X-Request-Id Idempotency-Key Api-Key X_Team !#$%&'*+-.^_`|~09azAZ
X-Event X-Webhook X-Content-Type-Options Signed-By X-Signatures Hook CF-Access-Client-Secret
""".split()  # noqa: SIM905 # a table reads better than a column

CONNECTION = """
Connection Host HTTP2-Settings Keep-Alive Proxy-Connection TE Trailer Transfer-Encoding Upgrade
HOST host connection tRaNsFeR-eNcOdInG Transfer_Encoding keep_alive
""".split()  # noqa: SIM905 # same

PROXIES = """
Forwarded Via X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Real-IP Proxy-Authorization Proxy-Authenticate
""".split()  # noqa: SIM905 # same

OURS = """
Accept-Encoding Content-Length Content-Type Content-Encoding Content-Digest Content-Range Content_Length Cookie Expect
User-Agent traceparent Tracestate Webhook-Id webhook-timestamp WEBHOOK-SIGNATURE webhook_id Webhook-Anything
Hookline-Event hookline_event X-Hookline-Event X-Hookline-Anything
""".split()  # noqa: SIM905 # same

SIGNATURES = """
Signature Signature-Input X-Signature X-Signature-256 X-Hub-Signature-256 Stripe-Signature X-Other-Signature x_signature
""".split()  # noqa: SIM905 # same


def refusal(headers: dict[str, str], under: str = "hookline") -> str:
    with pytest.raises(FieldInvalid) as refused:
        check_headers(headers, brand(under))
    assert refused.value.field == "headers"
    return refused.value.message


@pytest.mark.parametrize("name", FREE)
def test_a_name_that_nobody_owns_is_free(name: str) -> None:
    assert check_headers({name: "v"}, HOOKLINE) == {name: "v"}


@pytest.mark.parametrize("name", [*CONNECTION, *PROXIES, *OURS])
def test_a_name_that_somebody_owns_is_refused(name: str) -> None:
    assert refusal({name: "v"}) == f"{name} is set by the delivery itself: choose another name"


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_name_that_reads_like_a_signature_is_refused(name: str) -> None:
    assert "signature" in refusal({name: "v"})


@pytest.mark.parametrize("named", sorted(load_brands()))
@pytest.mark.parametrize("profile", SigningProfile)
def test_no_header_of_a_brand_under_any_profile_is_free(named: str, profile: SigningProfile) -> None:
    under = brand(named)
    for name in (signature_header(profile, under), event_header(profile, under)):
        if name is not None:
            refusal({name: "v"}, named)
            refusal({name.upper().replace("-", "_"): "v"}, named)


@pytest.mark.parametrize("character", [*' \t\r\n\0\x7f()<>@,;:\\"/[]?={}', "ü", "\u212a", "\ud800"])
def test_a_name_is_a_token_and_the_rest_of_what_is_none_is_not_repeated(character: str) -> None:
    message = refusal({f"X-Team{character}canary": "v"})
    assert "'X-Team'… is not a header name" in message
    assert "canary" not in message


@pytest.mark.parametrize("name", ["", "x" * 129, ":authority", ":path", "Authorization: Bearer canary"])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert "canary" not in refusal({name: "v"})


@pytest.mark.parametrize("value", ["", "v", "Bearer a.b-c_d=", "a b\tc", "~" * MAX_VALUE_LENGTH, '"quoted"; q=0.5, *'])
def test_a_value_of_printable_ascii_passes(value: str) -> None:
    assert check_headers({"X-Team": value}, HOOKLINE) == {"X-Team": value}


@pytest.mark.parametrize(
    "value",
    [
        " ", " v", "v ", "\tv", "v\t", "a\rb", "a\nb", "a\r\nX-Evil: 1", "a\n b", "a\0", "\0", "\x1b[2J", "\x7f", "ü",
        "\x85", "a\u2028b", "\ud800", "💩", "v\r\n", "v\n", "x" * (MAX_VALUE_LENGTH + 1),
    ],
)  # fmt: skip
def test_a_value_that_could_end_a_header_or_be_misread_is_refused_and_not_repeated(value: str) -> None:
    message = refusal({"X-Team": "canary" + value + "canary" if value.strip() == value else value})
    assert "X-Team" in message
    assert "canary" not in message


def test_there_are_so_many_and_no_more() -> None:
    check_headers({f"X-{number}": "v" for number in range(MAX_HEADERS)}, HOOKLINE)
    assert "at most 10" in refusal({f"X-{number}": "v" for number in range(MAX_HEADERS + 1)})


def test_together_they_are_so_long_and_no_longer() -> None:
    assert MAX_LENGTH_TOGETHER == 2 * MAX_VALUE_LENGTH
    half = {"X-1": "v" * (MAX_VALUE_LENGTH - 3), "X-2": "v" * (MAX_VALUE_LENGTH - 3)}
    check_headers(half, HOOKLINE)
    assert "together" in refusal(half | {"X": ""})


def test_one_name_in_two_cases_is_twice() -> None:
    assert "twice" in refusal({"X-Team": "1", "x-team": "2"})
