import base64
import json
import time
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from msgspec import structs
from rich.pretty import pretty_repr

from consumer.brands.loader import brand
from consumer.signing.profiles import SecretUnusableError
from consumer.signing.signer import Signer
from consumer.signing.written import Preparation, Written
from consumer.webhooks.subscription import FormerSecret, PayloadFormat, SealedSecret, SigningProfile
from consumer.webhooks.tls import seal_tls
from tests.own_tls import authority_in, identity
from tests.unit.signing.signing_parts import (
    EVENT,
    HOOKLINE,
    KEYRING,
    NOW_MS,
    OLD_SEED_SECRET,
    OLD_STANDARD_SECRET,
    SECRETS,
    received,
    signed,
    subscription,
)

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PREVIOUS = {
    SigningProfile.STANDARD: OLD_STANDARD_SECRET,
    SigningProfile.ED25519: OLD_SEED_SECRET,
    SigningProfile.HEX: "older",
    SigningProfile.SHA256: "older",
    SigningProfile.STRIPE: "older",
}
HEADER = {
    SigningProfile.STANDARD: "webhook-signature",
    SigningProfile.ED25519: "webhook-signature",
    SigningProfile.HEX: "x-hookline-signature",
    SigningProfile.SHA256: "x-signature-256",
    SigningProfile.STRIPE: "hookline-signature",
}


@pytest.mark.parametrize("profile", SigningProfile)
def test_every_profile_carries_what_a_receiver_needs(profile: SigningProfile) -> None:
    request = signed(subscription(profile))
    headers = received(request)
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == HOOKLINE.user_agent
    assert headers["webhook-id"] == "evt~2E1~2F2"
    assert HEADER[profile] in headers
    timestamped = profile in {SigningProfile.STANDARD, SigningProfile.ED25519}
    assert headers.get("webhook-timestamp") == ("1790000000" if timestamped else None)
    assert (request.url, request.timeout_ms) == ("https://endpoint.test/hook", 4_000)


@pytest.mark.parametrize("profile", SigningProfile)
def test_two_signatures_while_a_rotation_overlaps_where_two_fit(profile: SigningProfile) -> None:
    asked = subscription(profile, previous=PREVIOUS[profile], until_ms=NOW_MS)
    during = received(signed(asked, now_ms=NOW_MS - 1_000))[HEADER[profile]]
    after = received(signed(asked, now_ms=NOW_MS))[HEADER[profile]]
    alone = received(signed(subscription(profile), now_ms=NOW_MS))[HEADER[profile]]
    assert after == alone
    several = profile in {SigningProfile.STANDARD, SigningProfile.ED25519, SigningProfile.STRIPE}
    assert during.count("v1") == (2 if several else 0)


def test_every_attempt_is_signed_afresh_over_the_same_body() -> None:
    first, second = (signed(subscription(), now_ms=NOW_MS + later) for later in (0, 5_000))
    assert first.body == second.body
    assert received(first)["webhook-id"] == received(second)["webhook-id"]
    assert received(first)["webhook-signature"] != received(second)["webhook-signature"]


@pytest.mark.parametrize(
    "name",
    [
        "Host", "content-LENGTH", "Content-Type", "Transfer-Encoding", "Connection", "TE", "Upgrade", "Expect",
        "Proxy-Authorization", "User-Agent", "Accept-Encoding", "traceparent", "Webhook-Id", "WEBHOOK-SIGNATURE",
        "webhook-anything", "X-Hookline-Signature", "x-hookline-EVENT", "bad name", "", "X:Y",
    ],
)  # fmt: skip
def test_the_customer_s_headers_never_replace_an_owned_one(name: str) -> None:
    asked = subscription(SigningProfile.HEX, headers={name: "mine", "X-Own": "kept"})
    request = signed(replace(asked), event=structs.replace(EVENT, traceparent=TRACE))
    assert "mine" not in [value for _, value in request.headers]
    assert request.headers[-1] == ("X-Own", "kept")


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\0b", "\x7f"])
def test_a_value_that_would_end_its_header_is_left_out(value: str) -> None:
    assert "x-own" not in received(signed(subscription(headers={"X-Own": value})))


def test_a_header_under_a_chosen_profile_s_name_is_left_out() -> None:
    request = signed(subscription(SigningProfile.SHA256, headers={"X-Signature-256": "mine"}))
    assert received(request)["x-signature-256"].startswith("sha256=")


def test_the_log_sees_no_value_of_the_customer_s() -> None:
    signer = Signer(subscription(headers={"Authorization": "Bearer hidden", "X-Two": "hidden"}), HOOKLINE, KEYRING)
    request = signer.request(event=EVENT, body=b"{}", content_type="application/json", now_ms=NOW_MS)
    shown = signer.shown(request)
    assert shown[:-2] == request.headers[:-2]
    assert shown[-2:] == (("Authorization", "[redacted]"), ("X-Two", "[redacted]"))
    assert "hidden" not in repr(request) + pretty_repr(request) + repr(signer)
    assert repr(request).startswith("Request(url=")
    plain = Signer(subscription(), HOOKLINE, KEYRING)
    request = plain.request(event=EVENT, body=b"{}", content_type="application/json", now_ms=NOW_MS)
    assert plain.shown(request) == request.headers


@pytest.mark.parametrize("traceparent", [TRACE, None])
def test_an_events_traceparent_is_passed_on(traceparent: str | None) -> None:
    headers = received(signed(subscription(), event=structs.replace(EVENT, traceparent=traceparent)))
    assert headers.get("traceparent") == traceparent


@pytest.mark.parametrize(
    ("event_type", "sent"),
    [("a.b", "a.b"), ("a\r\nX: 1", "a%0D%0AX:%201"), ("é", "%C3%A9"), ("\ud800", "%ED%A0%80"), (" a", "%20a")],
)
def test_an_event_type_in_a_header_cannot_end_it(event_type: str, sent: str) -> None:
    request = signed(
        subscription(SigningProfile.HEX), under=brand("convo"), event=structs.replace(EVENT, type=event_type)
    )
    assert received(request)["x-convo-event"] == sent


@pytest.mark.parametrize(
    ("profile", "secret"),
    [
        (SigningProfile.STANDARD, "not-prefixed"),
        (SigningProfile.STANDARD, "whsec_!!!"),
        (SigningProfile.ED25519, "whsk_c2hvcnQ="),
        (SigningProfile.ED25519, SECRETS[SigningProfile.STANDARD]),
    ],
)
def test_a_secret_that_does_not_fit_is_refused_without_being_told(profile: SigningProfile, secret: str) -> None:
    with pytest.raises(SecretUnusableError) as refused:
        Signer(subscription(profile, secret=secret), HOOKLINE, KEYRING)
    assert secret not in str(refused.value)


def test_of_several_former_secrets_each_signs_until_its_own_end() -> None:
    def sealed(plain: str) -> SealedSecret:
        return KEYRING.seal(plain.encode(), tenant="acme", subscription_id="wh_1")

    plain = ["whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in range(3)]
    ends = [NOW_MS + 1_000, NOW_MS + 3_000, NOW_MS + 2_000]
    former = tuple(FormerSecret(secret=sealed(each), until_ms=end) for each, end in zip(plain, ends, strict=True))
    asked = replace(subscription(), former_secrets=former)

    def signing(now_ms: int) -> list[int]:
        at = received(signed(asked, now_ms=now_ms))["webhook-signature"].split(" ")
        here = [received(signed(subscription(secret=each), now_ms=now_ms))["webhook-signature"] for each in plain]
        assert len(set(here)) == 3
        return [number for number in range(3) if here[number] in at[1:]]

    assert signing(NOW_MS) == [0, 1, 2]
    assert signing(NOW_MS + 999) == [0, 1, 2]
    assert signing(NOW_MS + 1_000) == [1, 2]
    assert signing(NOW_MS + 2_000) == [1]
    assert signing(NOW_MS + 3_000) == []


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(SecretUnusableError):
        Signer(subscription(secret="whsec_"), HOOKLINE, KEYRING)


def test_the_body_is_the_payload_format_s() -> None:
    raw = Signer(subscription(payload_format=PayloadFormat.RAW), HOOKLINE, KEYRING)
    assert raw.body(EVENT) == (EVENT.data, "application/json")
    standard, _ = Signer(subscription(), HOOKLINE, KEYRING).body(EVENT)
    assert list(json.loads(standard)) == ["type", "timestamp", "data"]


def test_a_webhook_with_tls_of_its_own_is_not_prepared(tmp_path: Path) -> None:
    wish = identity(authority_in(tmp_path / "authority"))
    tls = seal_tls(
        wish, KEYRING, tenant="acme", subscription_id="wh_1", nonce=b"n" * 12, now_ms=int(time.time() * 1_000)
    )
    prepared: list[Preparation] = []

    def prepare(preparation: Preparation) -> None:
        prepared.append(preparation)

    Signer(subscription(), HOOKLINE, KEYRING, prepare)
    assert len(prepared) == 1
    assert "schemes" not in repr(prepared)
    own = Signer(replace(subscription(), tls=tls), HOOKLINE, KEYRING, prepare)
    assert (len(prepared), own.writes) == (1, False)


def test_what_is_granted_goes_with_the_requests_that_need_it_and_the_native_step_writes_none_of_them() -> None:
    granted = (ip_network("10.20.0.0/16"),)
    written: list[tuple[str, ...]] = []

    class Endpoint:
        def request(self, *told: object) -> Written:
            addresses = told[-1]
            assert isinstance(addresses, tuple)
            written.append(addresses)
            raise OverflowError  # it cannot tell this one

    signer = Signer(subscription(), HOOKLINE, KEYRING, lambda _: Endpoint(), granted=granted)
    for addresses, needed in (
        (("8.8.8.8",), ()),
        (("8.8.8.8", "10.20.0.1"), granted),
        (("::ffff:10.20.0.1",), granted),
        (("10.21.0.1",), ()),
    ):
        signer.written(EVENT, None, NOW_MS, addresses)
        asked = signer.request(event=EVENT, body=b"{}", content_type="a/b", now_ms=NOW_MS, addresses=addresses)
        assert asked.granted == needed
        assert (addresses in written) is not bool(needed)
