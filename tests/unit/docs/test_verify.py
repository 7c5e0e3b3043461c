"""docs/verify.md shows the files of docs/examples/verify/, and these verify what Hookline signs, and nothing else."""

import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest
from standardwebhooks import Webhook

from consumer.signing.request import Request
from consumer.webhooks.secrets import public_key
from consumer.webhooks.subscription import SigningProfile
from make import programs
from tests import markdown
from tests.unit.docs.verifiers import EXAMPLES, INSTALLED, LANGUAGES, Asked, driven, verdicts
from tests.unit.signing.signing_parts import (
    OLD_SEED_SECRET,
    OLD_STANDARD_SECRET,
    PLAIN_SECRET,
    SEED_SECRET,
    STANDARD_SECRET,
    flipped,
    received,
    signed,
    subscription,
)

PAGE = markdown.ROOT / "docs" / "verify.md"
SIX_MINUTES_MS = 6 * 60_000
HEX, STRIPE = "x-hookline-signature", "hookline-signature"


def test_the_page_shows_every_example_as_it_is() -> None:
    shown = [block.text for block in markdown.blocks(PAGE)]
    assert [path.name for path in sorted(EXAMPLES.iterdir()) if path.read_text(encoding="utf-8") not in shown] == []


def test_the_pages_of_customers_show_the_same_programs() -> None:
    assert programs.FILE.read_text(encoding="utf-8") == programs.text(), "run: make docs"


def test_the_page_s_own_request_is_signed_with_its_secret() -> None:
    head, _, body = markdown.blocks(PAGE)[0].text.rstrip("\n").partition("\n\n")
    headers = dict(line.split(": ") for line in head.splitlines())
    sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    [secret] = re.findall(r"`(whsec_[^`]{32,})`", PAGE.read_text(encoding="utf-8"))
    assert headers["webhook-signature"] == Webhook(secret).sign(headers["webhook-id"], sent_at, body)


def test_every_language_has_its_example() -> None:
    assert {each.example for each in LANGUAGES.values()} <= {path.name for path in EXAMPLES.iterdir()}


@pytest.mark.parametrize("language", INSTALLED)
def test_an_example_verifies_what_is_signed_and_nothing_else(
    language: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cases = standard_cases(SigningProfile.STANDARD, STANDARD_SECRET, OLD_STANDARD_SECRET)
    cases |= {
        name: (replace(cases["good"][0], secret=secret), "unusable")
        for name, secret in {
            "no secret": "",
            "empty": "whsec_",
            "no base64": "whsec_!",
            "no prefix": STANDARD_SECRET[6:],
        }.items()
    }
    check(LANGUAGES[language].ready(tmp_path), cases)
    record_property("verifies in", language)


@pytest.mark.parametrize("language", ["python", *(["node"] if "node" in INSTALLED else [])])
def test_an_ed25519_example_verifies_with_the_public_key(language: str) -> None:
    cases = standard_cases(SigningProfile.ED25519, SEED_SECRET, OLD_SEED_SECRET)
    check(
        command_of(language, "verify_ed25519"),
        {name: (replace(asked, secret=public_key(asked.secret)), wanted) for name, (asked, wanted) in cases.items()},
    )


@pytest.mark.parametrize("language", ["python", *(["node"] if "node" in INSTALLED else [])])
@pytest.mark.parametrize(("profile", "header"), [(SigningProfile.HEX, HEX), (SigningProfile.SHA256, "x-signature-256")])
def test_a_hex_example_verifies_the_body(language: str, profile: SigningProfile, header: str) -> None:
    request = signed(subscription(profile))
    headers = received(request)
    good = Asked(secret=PLAIN_SECRET, headers=headers, body=request.body)
    check(
        command_of(language, "verify_hex", header),
        {
            "good": (good, "verified"),
            "other body": (replace(good, body=flipped(request.body)), "refused"),
            "other signature": (replace(good, headers={header: spoiled(headers[header])}), "refused"),
            "cut short": (replace(good, headers={header: headers[header][:-1]}), "refused"),
            "beyond ASCII": (replace(good, headers={header: "é" * 64}), "refused"),
            "no signature": (replace(good, headers={}), "refused"),
            "other secret": (replace(good, secret="another"), "refused"),
            "no secret": (replace(good, secret=""), "unusable"),
        },
    )


@pytest.mark.parametrize("language", ["python", *(["node"] if "node" in INSTALLED else [])])
def test_a_stripe_example_verifies_body_and_time(language: str) -> None:
    request = signed(
        subscription(SigningProfile.STRIPE, previous="older string", until_ms=now_ms() + 60_000), now_ms=now_ms()
    )
    old = signed(subscription(SigningProfile.STRIPE), now_ms=now_ms() - SIX_MINUTES_MS)
    header = received(request)[STRIPE]
    good = Asked(secret=PLAIN_SECRET, headers={STRIPE: header}, body=request.body)
    later = header.replace("t=", "t=1")
    check(
        command_of(language, "verify_stripe", STRIPE),
        {
            "good": (good, "verified"),
            "the previous secret": (replace(good, secret="older string"), "verified"),
            "other body": (replace(good, body=flipped(request.body)), "refused"),
            "other signature": (replace(good, headers={STRIPE: spoiled(header.partition(",v1=")[0])}), "refused"),
            "too old": (replace(good, headers={STRIPE: received(old)[STRIPE]}, body=old.body), "refused"),
            "another time": (replace(good, headers={STRIPE: later}), "refused"),
            "no signature": (replace(good, headers={}), "refused"),
            "nonsense": (replace(good, headers={STRIPE: "t=,v1,=é,"}), "refused"),
            "other secret": (replace(good, secret="another"), "refused"),
            "no secret": (replace(good, secret=""), "unusable"),
        },
    )


Cases: TypeAlias = dict[str, tuple[Asked, str]]


def standard_cases(profile: SigningProfile, secret: str, previous: str) -> Cases:
    """Requests of a profile of Standard Webhooks, each with what its receiver has to make of it."""
    now = now_ms()
    request = signed(subscription(profile), now_ms=now)
    rotated = signed(subscription(profile, previous=previous, until_ms=now + 60_000), now_ms=now)
    rotated_before = signed(subscription(profile, previous=previous, until_ms=now - 60_000), now_ms=now)
    headers = received(request)
    signature = headers["webhook-signature"]

    def asked(of: Request = request, *, holds: str = secret, **changes: str) -> Asked:
        changed = {name.replace("_", "-"): value for name, value in changes.items()}
        return Asked(secret=holds, headers=received(of) | changed, body=of.body)

    cases = {
        "good": (asked(), "verified"),
        "almost too old": (asked(signed(subscription(profile), now_ms=now - 4 * 60_000)), "verified"),
        "other body": (replace(asked(), body=flipped(request.body)), "refused"),
        "other signature": (asked(webhook_signature=spoiled(signature)), "refused"),
        "signature cut short": (asked(webhook_signature=signature[:-4]), "refused"),
        "another version": (asked(webhook_signature="v2" + signature.removeprefix("v1")), "refused"),
        "beyond ASCII": (asked(webhook_signature="v1,é", webhook_id="é"), "refused"),
        "other id": (asked(webhook_id="another"), "refused"),
        "too old": (asked(signed(subscription(profile), now_ms=now - SIX_MINUTES_MS)), "refused"),
        "from the future": (asked(signed(subscription(profile), now_ms=now + SIX_MINUTES_MS)), "refused"),
        "no time": (asked(webhook_timestamp="now"), "refused"),
        "several, with strangers": (asked(webhook_signature=f"v1,AAAA v2,BBBB {signature}"), "verified"),
        "rotated, the new secret": (asked(rotated), "verified"),
        "rotated, the previous secret": (asked(rotated, holds=previous), "verified"),
        "rotated long ago, the previous secret": (asked(rotated_before, holds=previous), "refused"),
        "other secret": (asked(holds=previous), "refused"),
    }
    for name in headers:
        if name.startswith("webhook-"):
            left = {each: value for each, value in headers.items() if each != name}
            cases[f"without {name}"] = (replace(asked(), headers=left), "refused")
    assert {"without webhook-id", "without webhook-timestamp", "without webhook-signature"} <= cases.keys()
    return cases


def check(command: list[str], cases: Cases) -> None:
    found = verdicts(command, [asked for asked, _ in cases.values()])
    assert dict(zip(cases, found, strict=True)) == {name: wanted for name, (_, wanted) in cases.items()}


def command_of(language: str, example: str, *header: str) -> list[str]:
    if language == "python":
        return driven(sys.executable, "drive.py", example + ".py", *header)
    return driven("node", "drive.mjs", example + ".mjs", *header)


def spoiled(signature: str) -> str:
    """One character in the middle of the encoded signature changed."""
    at = len(signature) // 2
    return signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1 :]


def now_ms() -> int:
    return int(time.time() * 1_000)  # the examples look at the clock
