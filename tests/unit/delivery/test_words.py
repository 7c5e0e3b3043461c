"""What customers read of a failure: one table, and nothing of our network."""

import pytest
from msgspec.structs import replace

from consumer.api.dead_letters import shown
from consumer.delivery.answer import FailureKind
from consumer.delivery.outcome import DeathReason, described
from consumer.delivery.words import NOT_PUBLIC, WORDS, of_death, of_failure, told_ms
from consumer.log.health import NO_HEALTH, Sent, folded
from tests.dead_letters import dead_letter
from tests.deliveries import NOW_MS, failure, response

SECRETS = "10.1.2.3 db.internal.example: could not resolve, NXDOMAIN from 10.0.0.2"


def test_every_kind_of_failure_and_every_death_has_words() -> None:
    assert set(WORDS) == set(FailureKind)
    assert all(of_death(reason, SECRETS) for reason in DeathReason)
    assert of_failure("of a later version") == of_failure(None) != ""


def test_a_name_that_does_not_exist_reads_as_one_that_leads_inside() -> None:
    assert len({WORDS[kind] for kind in NOT_PUBLIC}) == 1
    seen = [
        folded(
            NO_HEALTH,
            Sent(
                at_ms=NOW_MS,
                logged_ms=NOW_MS,
                url="https://a.example/",
                status=None,
                failure=kind,
                elapsed_ms=took_ms,
                outcome="retry",
            ),
        )
        for kind, took_ms in ((FailureKind.DNS, 1_812.0), (FailureKind.ADDRESS_REFUSED, 0.4))
    ]
    assert seen[0] == seen[1]
    assert {told_ms(kind, 1_812.0) for kind in NOT_PUBLIC} == {0.0}


@pytest.mark.parametrize("kind", FailureKind)
def test_no_face_repeats_an_engines_words(kind: FailureKind) -> None:
    detail = described(replace(failure(kind), detail=SECRETS))
    letter = replace(dead_letter(1, "wh_1"), detail=detail, reason=DeathReason.EXHAUSTED)
    told = shown(letter)
    assert isinstance(told, dict)
    assert told["detail"] == WORDS[kind]
    assert "10." not in str(told["detail"])


def test_what_the_endpoint_answered_is_said() -> None:
    assert of_death(DeathReason.GONE, described(response(410))) == "HTTP 410"
    assert of_death(DeathReason.SUSPENDED, "the webhook is suspended") == "the webhook is suspended"
    assert of_death("of a later version", SECRETS) == "it could not be delivered"
