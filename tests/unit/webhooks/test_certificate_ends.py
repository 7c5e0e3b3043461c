"""When a webhook's certificates end, and what is to be said of that."""

import pytest

from consumer.webhooks.certificate_ends import SOON_MS, Ending, end_ms, ending
from consumer.webhooks.subscription import SealedSecret, SealedTls, Status
from tests.webhook_samples import NOW_MS, subscription

SEALED = SealedSecret(key_id="k1", sealed=b"sealed")


@pytest.mark.parametrize(
    ("certificate_ms", "authorities_ms", "first_ms"), [(7, None, 7), (None, 8, 8), (7, 8, 7), (9, 8, 8)]
)
def test_the_earlier_end_counts(certificate_ms: int | None, authorities_ms: int | None, first_ms: int) -> None:
    tls = SealedTls(sealed=SEALED, certificate_until_ms=certificate_ms, authorities_until_ms=authorities_ms)
    assert end_ms(subscription(tls=tls)) == first_ms
    for status in (Status.PAUSED, Status.SUSPENDED):
        assert end_ms(subscription(tls=tls, status=status)) is None, "nothing is sent to it"
    assert end_ms(subscription()) is None


def test_an_end_is_told_for_two_weeks_before_and_afterwards() -> None:
    assert ending(NOW_MS + SOON_MS + 1, NOW_MS) is None
    assert ending(NOW_MS + SOON_MS, NOW_MS) is Ending.ENDING
    assert ending(NOW_MS + 1, NOW_MS) is Ending.ENDING
    assert ending(NOW_MS, NOW_MS) is Ending.ENDED
