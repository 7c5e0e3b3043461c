"""What is sealed for one installation opens there and nowhere else."""

import pytest

from consumer.transfer.box import FILE_KEY, Envelope, NotAPublicKey, opening, public_key, sealing_for
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.subscription import SealedSecret

HERE = Keyring({"k1": b"h" * 32})
THERE = Keyring({"k2": b"t" * 32, "k1": b"u" * 32})


def seal(ring: Keyring) -> SealedSecret:
    return ring.seal(b"whsec_x", tenant="acme", subscription_id="wh_1")


def opened(ring: Keyring, sealed: SealedSecret) -> bytes:
    return ring.open(sealed, tenant="acme", subscription_id="wh_1")


def test_it_opens_where_it_was_sealed_for_and_is_sealed_there_with_its_own_key() -> None:
    ring, envelope = sealing_for(public_key(THERE), b"d" * 32)
    sealed = seal(ring.and_also(HERE))
    assert sealed.key_id == FILE_KEY
    there = opening(THERE, envelope)
    assert opened(there, sealed) == b"whsec_x"
    assert (there.sealing_id, there.ids) == ("k2", ("k2", "k1", FILE_KEY))
    later = Keyring({"k3": b"v" * 32, "k2": b"t" * 32})  # the key is not the first any more
    assert opened(opening(later, envelope), sealed) == b"whsec_x"


def test_it_opens_nowhere_else() -> None:
    ring, envelope = sealing_for(public_key(THERE), b"d" * 32)
    sealed = seal(ring)
    for other in (HERE, Keyring({"k2": b"another key of this id, 32 bytes."[:32]})):
        with pytest.raises(SecretUnreadable, match="'k2' cannot be opened: the file is sealed for"):
            opening(other, envelope)
    _, another = sealing_for(public_key(THERE), b"e" * 32)
    with pytest.raises(SecretUnreadable):
        opened(opening(THERE, another), sealed)
    with pytest.raises(SecretUnreadable):
        opening(THERE, envelope).open(sealed, tenant="other", subscription_id="wh_1")


@pytest.mark.parametrize("text", ["", "hkx_k1_00", f"hkx_k1_{'0' * 64}", f"hkx_k:1_{'1' * 64}", public_key(HERE) + "0"])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(NotAPublicKey):
        sealing_for(text, b"d" * 32)


@pytest.mark.parametrize("drawn", ["", "zz", "0" * 64])
def test_an_envelope_that_was_changed_is_refused(drawn: str) -> None:
    with pytest.raises(NotAPublicKey):
        opening(THERE, Envelope(public=public_key(THERE), drawn=drawn))
