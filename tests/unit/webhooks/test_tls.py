"""What a customer may bring as TLS of his webhook's own, and what is kept of it."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from consumer.control.reseal import key_ids, resealed
from consumer.webhooks import record
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.tls import MOST_CERTIFICATES, TlsWish, check_tls, open_tls, seal_tls
from consumer.webhooks.wrong import FieldInvalid
from tests.certificates import Authority
from tests.own_tls import authority_in, identity, trusting
from tests.webhook_samples import NOW_MS, subscription

KEYRING = Keyring({"k1": b"\x01" * 32})
NEWER = Keyring({"k2": b"\x02" * 32, "k1": b"\x01" * 32})
NONCE = bytes(12)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return authority_in(tmp_path / "authority")


def now_ms() -> int:
    return int(dt.datetime.now(dt.UTC).timestamp() * 1_000)


def refused(wish: TlsWish) -> dict[str, str]:
    with pytest.raises(FieldInvalid) as told:
        check_tls(wish)
    said = {each.field: each.message for each in told.value.wrong}
    for secret in (wish.key, wish.certificate):
        body = "".join(secret.splitlines()[1:3])
        assert not body or body not in str(told.value)
    return said


def pem(key: rsa.RSAPrivateKey | dsa.DSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> str:
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def self_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    return dated.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_what_is_right_passes_and_nothing_is_none(authority: Authority) -> None:
    for wish in (identity(authority), trusting(authority)):
        assert check_tls(wish) is wish
    assert check_tls(None) is None
    assert check_tls(TlsWish()) is None


def test_certificate_and_key_belong_together(authority: Authority) -> None:
    one, other = identity(authority), identity(authority)
    assert "tls.key" in refused(TlsWish(certificate=one.certificate))
    assert "tls.certificate" in refused(TlsWish(key=one.key))
    assert "not the key" in refused(TlsWish(certificate=one.certificate, key=other.key))["tls.key"]


def test_what_no_process_should_work_with_is_refused(authority: Authority) -> None:
    good = identity(authority)
    small = rsa.generate_private_key(65_537, 1_024)
    odd = ec.generate_private_key(ec.SECP256K1())
    assert "kind" in refused(TlsWish(certificate=self_signed(small), key=pem(small)))["tls.certificate"]
    assert "kind" in refused(TlsWish(certificate=self_signed(odd), key=pem(odd)))["tls.certificate"]
    assert "kind" in refused(TlsWish(certificate=good.certificate, key=pem(small)))["tls.key"]
    locked = pem(ec.generate_private_key(ec.SECP256R1()), b"passphrase")
    assert "passphrase" in refused(TlsWish(certificate=good.certificate, key=locked))["tls.key"]
    assert "PEM" in refused(TlsWish(certificate=good.certificate, key="-----BEGIN"))["tls.key"]
    assert "PEM" in refused(TlsWish(certificate="hello", key=good.key))["tls.certificate"]
    assert "private key" in refused(TlsWish(authorities=good.certificate + good.key))["tls.authorities"]
    many = good.certificate * (MOST_CERTIFICATES + 1)
    assert "at most" in refused(TlsWish(authorities=many))["tls.authorities"]
    assert "longer" in refused(TlsWish(authorities="x" * 40_000))["tls.authorities"]
    both = refused(TlsWish(certificate=good.certificate, authorities="hello"))
    assert both.keys() == {"tls.key", "tls.authorities"}, "all that is wrong is told at once"


def test_it_is_kept_sealed_with_what_may_be_told_of_it(authority: Authority) -> None:
    one = identity(authority)
    wish = TlsWish(certificate=one.certificate, key=one.key, authorities=trusting(authority).authorities)
    webhook = subscription("wh_1", "acme")
    tls = seal_tls(wish, KEYRING, tenant="acme", subscription_id="wh_1", nonce=NONCE, now_ms=now_ms())
    assert tls is not None
    kept = subscription("wh_1", "acme", tls=tls)
    assert record.decode(record.encode(kept)) == kept
    encoded = record.encode(kept)
    for secret in (one.key, one.certificate, wish.authorities):
        assert secret.splitlines()[1].encode() not in encoded
    assert open_tls(kept, KEYRING) == wish
    assert open_tls(webhook, KEYRING) is None
    found = x509.load_pem_x509_certificate(one.certificate.encode())
    assert tls.certificate_sha256 == found.fingerprint(hashes.SHA256()).hex()
    assert tls.certificate_until_ms == found.not_valid_after_utc.timestamp() * 1_000
    assert tls.authorities_until_ms is not None
    with pytest.raises(SecretUnreadable):
        open_tls(subscription("wh_2", "acme", tls=tls), KEYRING)


def test_one_that_has_ended_is_refused(authority: Authority) -> None:
    ended = identity(authority, expired=True)
    assert check_tls(ended) is ended
    with pytest.raises(FieldInvalid, match="ended on"):
        seal_tls(ended, KEYRING, tenant="acme", subscription_id="wh_1", nonce=NONCE, now_ms=now_ms())


def test_a_new_encryption_key_seals_it_again(authority: Authority) -> None:
    wish = identity(authority)
    tls = seal_tls(wish, KEYRING, tenant="acme", subscription_id="wh_1", nonce=NONCE, now_ms=now_ms())
    secret = KEYRING.seal(b"secret", tenant="acme", subscription_id="wh_1")
    webhook = subscription("wh_1", "acme", secret=secret, tls=tls)
    assert key_ids(webhook) == {"k1"}
    again = resealed(webhook, NEWER, now_ms=NOW_MS)
    assert key_ids(again) == {"k2"}
    assert open_tls(again, NEWER) == wish
