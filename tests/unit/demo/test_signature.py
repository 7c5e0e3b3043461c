"""The demo's own checks against verifiers that we did not write, and against one flipped byte."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

import pytest
import standardwebhooks
import stripe as stripe_library
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consumer.demo import signature
from consumer.demo.signature import Check

Request: TypeAlias = tuple[Check, dict[str, str]]

BODY = '{"data":"café"}'.encode()
NOW_S = int(time.time())
KEY = b"0123456789abcdef0123456789abcdef"
STANDARD = "whsec_" + base64.b64encode(KEY).decode()


def standard_request() -> Request:
    signed = standardwebhooks.Webhook(STANDARD).sign("msg_1", datetime.fromtimestamp(NOW_S, UTC), BODY.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW_S), "webhook-signature": f"v1,b2xk {signed}"}
    return signature.standard(STANDARD), headers


def ed25519_request() -> Request:
    private = Ed25519PrivateKey.from_private_bytes(KEY)
    signed = base64.b64encode(private.sign(f"msg_1.{NOW_S}.".encode() + BODY)).decode()
    public = "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW_S), "webhook-signature": f"v1a,{signed}"}
    return signature.ed25519(public), headers


def stripe_request() -> Request:
    payload = f"{NOW_S}.{BODY.decode()}"
    signed = stripe_library.WebhookSignature._compute_signature(payload, "any string")
    return signature.stripe("any string", "Hook-Signature"), {"hook-signature": f"t={NOW_S},v1={signed}"}


def hex_request() -> Request:
    signed = hmac.new(b"any string", BODY, hashlib.sha256).hexdigest()
    return signature.body_hex("any string", "X-Signature-256", "sha256="), {"x-signature-256": f"sha256={signed}"}


REQUESTS = [standard_request, ed25519_request, stripe_request, hex_request]


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_genuine_request_is_accepted_and_one_flipped_byte_refused(request_: Callable[[], Request]) -> None:
    check, headers = request_()

    assert check(headers, BODY, NOW_S)
    for place in range(len(BODY)):
        flipped = bytearray(BODY)
        flipped[place] ^= 1
        assert not check(headers, bytes(flipped), NOW_S)
    assert not check({}, BODY, NOW_S)


@pytest.mark.parametrize("request_", REQUESTS[:3])
def test_an_old_request_is_refused(request_: Callable[[], Request]) -> None:
    check, headers = request_()

    assert not check(headers, BODY, NOW_S + signature.TOLERANCE_S + 1)
