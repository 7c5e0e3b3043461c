"""Why an attempt failed: every end has its words, and none of them tells what it must not."""

import pytest

from consumer.delivery.answer import FailureKind
from consumer.delivery.outcome import DeathReason
from consumer.log.explanation import Received, of_attempt, of_death, table

PAGE = {  # the codes and titles that customers and the pages rely on
    "timeout": "No answer in time", "no_public_address": "The host has no public address", "connect": "No connection",
    "tls": "No secure connection", "reset": "Connection closed too early", "protocol": "Not a valid HTTP answer",
    "unsignable": "Not sent: the secret could not be opened", "redirect": "The endpoint redirects",
    "bad_request": "The endpoint refused the content", "unauthorized": "The endpoint refused the sender",
    "not_found": "Nothing answers at this address", "gone": "The endpoint says it is gone",
    "too_large": "The request was too large", "media_type": "The content type was refused",
    "too_many": "The endpoint asks to slow down", "client_error": "The endpoint refused the request",
    "server_error": "The endpoint failed", "unavailable": "The server in front could not reach the endpoint",
    "odd_status": "An answer that is no success", "late": "Given up after 24 hours", "suspended": "Not sent: suspended",
}  # fmt: skip


def test_the_titles_are_those_that_are_fixed() -> None:
    titles = {row.code: row.title for row in table()}
    assert {code: titles[code] for code in PAGE} == PAGE


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_words_of_its_own(kind: FailureKind) -> None:
    explained = of_attempt(None, str(kind))
    assert explained is not None
    assert explained.code != "no_answer"
    assert explained.cause
    assert explained.remedies


def test_every_status_but_a_success_is_explained() -> None:
    for status in range(100, 1_000):
        explained = of_attempt(status, None)
        assert (explained is None) == (200 <= status < 300)
        assert explained is None or explained.remedies
        assert explained is None or explained.received is not Received.NO


@pytest.mark.parametrize(
    ("status", "code"),
    [(100, "odd_status"), (301, "redirect"), (400, "bad_request"), (422, "bad_request"), (403, "unauthorized"),
     (405, "not_found"), (410, "gone"), (413, "too_large"), (415, "media_type"), (425, "too_many"), (408, "too_many"),
     (418, "client_error"), (500, "server_error"), (503, "unavailable"), (600, "odd_status"), (999, "odd_status")],
)  # fmt: skip
def test_a_status_has_the_code_of_its_row(status: int, code: str) -> None:
    explained = of_attempt(status, None)
    assert explained is not None
    assert explained.code == code


def test_an_unknown_name_and_a_private_address_read_alike() -> None:
    assert of_attempt(None, FailureKind.DNS) == of_attempt(None, FailureKind.ADDRESS_REFUSED)


def test_only_what_never_left_us_is_said_not_to_be_received() -> None:
    said_no = {kind for kind in FailureKind if (row := of_attempt(None, kind)) and row.received is Received.NO}
    assert said_no == {
        FailureKind.DNS, FailureKind.ADDRESS_REFUSED, FailureKind.CONNECT, FailureKind.TLS, FailureKind.UNSIGNABLE,
    }  # fmt: skip


def test_a_failure_of_another_version_still_has_words() -> None:
    explained = of_attempt(None, "sunspots")
    assert explained is not None
    assert explained.code == "no_answer"


def test_a_death_is_explained_where_its_last_attempt_does_not_say_it_all() -> None:
    explained = {reason for reason in DeathReason if of_death(reason) is not None}
    told_by_the_attempt = {DeathReason.EXHAUSTED, DeathReason.GONE, DeathReason.RETRIES_NONE}
    assert explained == set(DeathReason) - told_by_the_attempt


def test_words_are_for_people_who_know_no_code_of_ours() -> None:
    for row in table():
        for text in (row.title, row.cause, *row.remedies):
            assert "curl" not in text.lower()
            assert "hookline" not in text.lower()
            assert text[0].isupper()
