"""Webhooks whose certificates end: how many there are, and which, each named once."""

from structlog.testing import capture_logs

from consumer.roles.certificate_watch import NAMED_AT_ONCE, CertificateWatch
from consumer.telemetry.snapshot import Reading
from consumer.webhooks.certificate_ends import SOON_MS
from consumer.webhooks.subscription import Subscription
from tests.webhook_samples import NOW_MS, subscription


class Known:
    def __init__(self, **ends: int) -> None:
        self.ends = ends

    def certificate_ends(self) -> dict[str, int]:
        return dict(self.ends)

    def find(self, name: str) -> Subscription | None:
        return subscription(name, "acme") if name in self.ends else None


def watch(known: Known) -> CertificateWatch:
    return CertificateWatch(known.certificate_ends, known.find)


def counted(watched: CertificateWatch) -> dict[str, float]:
    reading = Reading("log")
    watched.tell(reading)
    return {
        words[0]: value for name, words, value in reading.snapshot(()).values if name == "hookline_webhook_certificates"
    }


def named(watched: CertificateWatch, now_ms: int = NOW_MS) -> list[tuple[str, str]]:
    with capture_logs() as lines:
        watched.look(now_ms)
    assert all(line["log_level"] == "warning" and line["tenant"] == "acme" for line in lines)
    return [(line["webhook"], line["event"]) for line in lines]


def test_they_are_counted_and_each_is_named_once_for_what_is_said_of_it() -> None:
    known = Known(wh_far=NOW_MS + SOON_MS + 1_000, wh_soon=NOW_MS + 5_000, wh_over=NOW_MS - 1)
    watched = watch(known)
    assert counted(watched) == {"ended": 0, "ending": 0}, "told before anything was looked at"
    assert named(watched) == [
        ("wh_soon", "a webhook's certificate ends soon"),
        ("wh_over", "a webhook's certificate has ended"),
    ]
    assert counted(watched) == {"ended": 1, "ending": 1}
    assert named(watched) == []
    assert named(watched, NOW_MS + 5_000) == [
        ("wh_far", "a webhook's certificate ends soon"),
        ("wh_soon", "a webhook's certificate has ended"),
    ]
    assert counted(watched) == {"ended": 2, "ending": 1}


def test_one_that_was_replaced_is_no_longer_counted_and_named_again_when_it_ends() -> None:
    known = Known(wh_1=NOW_MS - 1)
    watched = watch(known)
    assert len(named(watched)) == 1
    known.ends["wh_1"] = NOW_MS + 2 * SOON_MS
    assert named(watched) == []
    assert counted(watched) == {"ended": 0, "ending": 0}
    assert len(named(watched, NOW_MS + 3 * SOON_MS)) == 1


def test_of_very_many_some_are_named_at_each_look_until_all_were() -> None:
    known = Known(**{f"wh_{number}": NOW_MS for number in range(NAMED_AT_ONCE + 3)})
    watched = watch(known)
    assert [len(named(watched)) for _ in range(3)] == [NAMED_AT_ONCE, 3, 0]
    assert counted(watched)["ended"] == NAMED_AT_ONCE + 3
