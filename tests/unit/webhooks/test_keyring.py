import base64
import re
import subprocess

import pytest

from consumer.settings import ConfigurationError
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.subscription import SealedSecret
from tests import markdown
from tests.webhook_samples import key_entry, settings_with_keys


def test_what_is_sealed_opens_for_its_owner_only() -> None:
    keyring = Keyring.from_settings(settings_with_keys(key_entry()))
    sealed = keyring.seal(b"secret", tenant="acme", subscription_id="wh_1")
    assert keyring.open(sealed, tenant="acme", subscription_id="wh_1") == b"secret"
    for tenant, subscription_id in (("other", "wh_1"), ("acme", "wh_2"), ("acmew", "h_1"), ("acm", "ewh_1")):
        with pytest.raises(SecretUnreadable):
            keyring.open(sealed, tenant=tenant, subscription_id=subscription_id)


def test_a_nonce_is_drawn_anew() -> None:
    keyring = Keyring.from_settings(settings_with_keys(key_entry()))
    sealed = {keyring.seal(b"x", tenant="t", subscription_id="s").sealed for _ in range(20)}
    assert len(sealed) == 20


@pytest.mark.parametrize("position", [0, 11, 12, -1])
def test_one_changed_byte_is_noticed(position: int) -> None:
    keyring = Keyring.from_settings(settings_with_keys(key_entry()))
    sealed = bytearray(keyring.seal(b"secret", tenant="t", subscription_id="s").sealed)
    sealed[position] ^= 1
    with pytest.raises(SecretUnreadable, match="changed"):
        keyring.open(SealedSecret(key_id="k1", sealed=bytes(sealed)), tenant="t", subscription_id="s")


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_too_short_is_unreadable(length: int) -> None:
    keyring = Keyring.from_settings(settings_with_keys(key_entry()))
    with pytest.raises(SecretUnreadable):
        keyring.open(SealedSecret(key_id="k1", sealed=b"x" * length), tenant="t", subscription_id="s")


def test_the_first_key_seals_and_all_open() -> None:
    before = Keyring.from_settings(settings_with_keys(key_entry("old", 1)))
    sealed = before.seal(b"secret", tenant="t", subscription_id="s")
    rotated = Keyring.from_settings(settings_with_keys(key_entry("new", 2), key_entry("old", 1)))
    assert rotated.open(sealed, tenant="t", subscription_id="s") == b"secret"
    assert rotated.seal(b"x", tenant="t", subscription_id="s").key_id == rotated.sealing_id == "new"
    after = Keyring.from_settings(settings_with_keys(key_entry("new", 2)))
    with pytest.raises(SecretUnreadable, match="'old'"):
        after.open(sealed, tenant="t", subscription_id="s")


@pytest.mark.parametrize(
    "entries",
    [
        (),
        ("no-colon-in-sight",),
        (":" + base64.b64encode(b"k" * 32).decode(),),
        ("k1:" + base64.b64encode(b"leak" * 4).decode(),),
        ("k1:leakleakleak!",),
        (key_entry(), key_entry(byte=8)),
    ],
)
def test_a_malformed_key_is_named_and_not_shown(entries: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="HOOKLINE_ENCRYPTION_KEYS") as caught:
        Keyring.from_settings(settings_with_keys(*entries))
    assert "leak" not in str(caught.value)
    assert not any(entry.partition(":")[2] in str(caught.value) for entry in entries if ":" in entry)


def test_repr_shows_ids_only() -> None:
    assert repr(Keyring.from_settings(settings_with_keys(key_entry("a", 1), key_entry("b", 2)))) == "Keyring(a, b)"


def test_every_place_names_the_same_way_to_make_a_key_and_it_works() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Keyring.from_settings(settings_with_keys())
    found = re.search(r"echo (k1:\$\(.*\))", str(caught.value))
    assert found is not None
    entry = subprocess.run(["sh", "-c", found[0]], check=True, capture_output=True, text=True).stdout.strip()
    assert Keyring.from_settings(settings_with_keys(entry)).sealing_id == "k1"
    for name in ("README.md", "docker-compose.yml"):
        assert found[1] in (markdown.ROOT / name).read_text(encoding="utf-8")
