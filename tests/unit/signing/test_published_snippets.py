"""The snippets of the companies' own webhook pages accept what Hookline sends under their brand.

Each snippet is quoted as its page prints it, with the page's title; only what surrounds it is ours. The JavaScript
ones run in Node where it is on the PATH; a check with the same steps runs everywhere.
"""

import hashlib
import hmac
import json
import shutil
import subprocess
from collections.abc import Callable

import pytest

from consumer.signing.request import Request
from tests.unit.signing.signing_parts import PLAIN_SECRET, branded, flipped, received

# Conclude, "Webhooks", section "Verifying signatures".
CONCLUDE_PAGE = """
const expected = crypto
.createHmac("sha256", secret)
.update(rawBody)
.digest("hex");
if (signature !== expected) {
// reject
}
"""

# Convo, "Webhooks", section "Signature Verification".
CONVO_PAGE = """
const crypto = require('crypto');
const signature = crypto
.createHmac('sha256', webhookSecret)
.update(rawBody)
.digest('hex');
const isValid = signature === req.headers['x-convo-signature'];
"""

# Mintlify, "Webhooks", step "Verify the signature header".
MINTLIFY_PAGE = """
import hmac
import hashlib

def verify_signature(payload_body, secret, signature_header):
    expected = hmac.new(
        secret.encode(),
        payload_body,
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(f"sha256={expected}", signature_header)
"""

GIVEN = "const given = JSON.parse(require('fs').readFileSync(0)); const rawBody = Buffer.from(given.body, 'hex');"
CONCLUDE_PROGRAM = (
    f"const crypto = require('crypto'); {GIVEN} const secret = given.secret;"
    "const signature = given.headers['x-conclude-signature'];" + CONCLUDE_PAGE.replace("// reject", "process.exit(1);")
)
CONVO_PROGRAM = (
    f"{GIVEN} const webhookSecret = given.secret; const req = {{headers: given.headers}};"
    + CONVO_PAGE
    + "process.exit(isValid ? 0 : 1);"
)

Verifier = Callable[[bytes, dict[str, str]], bool]


def in_node(program: str) -> Verifier:
    def verify(body: bytes, headers: dict[str, str]) -> bool:
        given = json.dumps({"body": body.hex(), "headers": headers, "secret": PLAIN_SECRET})
        ran = subprocess.run(["node", "-e", program], input=given.encode(), capture_output=True, check=False)
        assert ran.returncode in (0, 1), ran.stderr
        assert ran.stderr == b""
        return ran.returncode == 0

    return verify


def hex_of_the_body(header: str) -> Verifier:
    """The steps that Conclude's, Convo's, Trackelio's and Featurebase's pages tell."""

    def verify(body: bytes, headers: dict[str, str]) -> bool:
        return hmac.compare_digest(hmac.new(PLAIN_SECRET.encode(), body, hashlib.sha256).hexdigest(), headers[header])

    return verify


def mintlify(body: bytes, headers: dict[str, str]) -> bool:
    page: dict[str, Callable[[bytes, str, str], bool]] = {}
    exec(MINTLIFY_PAGE, page)  # the page's own words, run as they are
    return page["verify_signature"](body, PLAIN_SECRET, headers["x-signature-256"])


VERIFIERS: list[tuple[str, str, Verifier]] = [
    ("conclude", "x-conclude-signature", hex_of_the_body("x-conclude-signature")),
    ("convo", "x-convo-signature", hex_of_the_body("x-convo-signature")),
    ("trackelio", "x-trackelio-signature", hex_of_the_body("x-trackelio-signature")),
    ("featurebase", "x-featurebase-signature", hex_of_the_body("x-featurebase-signature")),
    ("mintlify", "x-signature-256", mintlify),
]
if shutil.which("node"):
    VERIFIERS += [
        ("conclude", "x-conclude-signature", in_node(CONCLUDE_PROGRAM)),
        ("convo", "x-convo-signature", in_node(CONVO_PROGRAM)),
    ]


@pytest.mark.parametrize(("name", "header", "accepts"), VERIFIERS)
def test_the_page_s_snippet_accepts_and_refuses(name: str, header: str, accepts: Verifier) -> None:
    request = branded(name)
    headers = received(request)
    last = headers[header][-1]
    spoiled = headers[header][:-1] + ("0" if last != "0" else "1")
    assert accepts(request.body, headers)
    assert not accepts(flipped(request.body), headers)
    assert not accepts(request.body, headers | {header: spoiled})


def body_of(request: Request) -> dict[str, object]:
    parsed: dict[str, object] = json.loads(request.body)
    return parsed


def test_conclude_s_payload_has_its_keys_in_its_order() -> None:
    body = body_of(branded("conclude"))
    assert list(body) == ["event", "workspace_id", "product_id", "data", "timestamp"]
    assert (body["workspace_id"], body["product_id"]) == ("acme", None)


@pytest.mark.parametrize("name", ["convo", "trackelio", "featurebase", "mintlify"])
def test_the_others_payload(name: str) -> None:
    body = body_of(branded(name))
    assert list(body) == ["event", "data", "timestamp"]
    assert body["timestamp"] == "2026-03-19T14:30:00.000Z"


def test_convo_names_the_event_in_a_header() -> None:
    assert received(branded("convo"))["x-convo-event"] == "feedback.created"
