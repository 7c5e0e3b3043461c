"""The commands that compute an attempt's signature again, run by a shell as a receiver would."""

import subprocess
from pathlib import Path

import pytest

from consumer.brands.loader import load_brands
from consumer.portal.signature_check import BODY, check_of
from consumer.portal.told import Header, Signature
from consumer.signing.profiles import scheme
from consumer.signing.signature import signature_of
from consumer.signing.signer import signature_header
from consumer.webhooks.secrets import public_key
from consumer.webhooks.subscription import SigningProfile
from tests.unit.signing.signing_parts import OLD_SEED_SECRET, SEED_SECRET

STANDARD = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
OWN = 'a secret\'s own "text" $HOME'
EVIL = "evt 'x'; rm -rf /"
PAYLOAD = b'{"a":"\xff\x00"}\n'


@pytest.mark.parametrize(
    ("profile", "secret"),
    [
        (SigningProfile.STANDARD, STANDARD),
        (SigningProfile.HEX, OWN),
        (SigningProfile.SHA256, OWN),
        (SigningProfile.STRIPE, OWN),
    ],
)
def test_what_they_print_stands_in_the_header(tmp_path: Path, profile: SigningProfile, secret: str) -> None:
    brand = load_brands()["hookline"]
    header = signature_header(profile, brand)
    headers = scheme(profile, [secret], header=header).headers(EVIL, "1790000000", PAYLOAD)
    found = signature_of(headers, brand)
    assert found is not None
    told = Signature(profile=found.profile, header=found.header, signed_content=found.over, signed_with="current")
    commands = check_of(told, [Header(name=name, value=value) for name, value in headers])
    assert commands is not None
    assert secret not in commands
    (tmp_path / BODY).write_bytes(PAYLOAD)
    environment = {"PATH": "/usr/bin:/bin", "SECRET": secret}
    printed = subprocess.run(
        ["/bin/sh", "-c", commands], cwd=tmp_path, env=environment, capture_output=True, check=True
    ).stdout.decode()
    value = dict(headers)[found.header]
    assert len(printed.strip()) >= 40
    assert printed.strip() in value


def test_a_public_key_checks_each_signature_of_the_header(tmp_path: Path) -> None:
    headers = scheme(SigningProfile.ED25519, [SEED_SECRET, OLD_SEED_SECRET], header="").headers(EVIL, "179", PAYLOAD)
    told = Signature(profile="ed25519", header="webhook-signature", signed_content="", signed_with="both")
    commands = check_of(told, [Header(name=name, value=value) for name, value in headers])
    assert commands is not None
    (tmp_path / BODY).write_bytes(PAYLOAD)
    environment = {"PATH": "/usr/bin:/bin", "PUBLIC_KEY": public_key(OLD_SEED_SECRET), "TMPDIR": str(tmp_path)}

    def printed(sent: str) -> str:
        command = ["/bin/sh", "-c", commands.replace("179.", sent)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True).stdout.decode()

    failure, success = "Signature Verification Failure\n", "Signature Verified Successfully\n"
    assert (printed("179."), printed("180.")) == (failure + success, failure * 2)
    assert [path.name for path in tmp_path.iterdir()] == [BODY]


def test_a_header_without_a_signature_has_none() -> None:
    told = Signature(profile="ed25519", header="webhook-signature", signed_content="", signed_with="current")
    assert check_of(told, [Header(name="webhook-signature", value="v1a,$(touch x)")]) is None
