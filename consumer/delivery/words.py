"""Why there was no answer, in words for customers: one table for API, pages and command line.

The law: what a customer reads holds nothing of an engine's own words, of an address or of our name service, and a name
that leads inside reads as one that does not exist. The delivery log and the topics keep the rest for the operator.
"""

import re
from collections.abc import Mapping
from typing import Final

from consumer.delivery.answer import FailureKind
from consumer.delivery.outcome import DeathReason

# A name may lead inside by a CNAME of the customer's own: told apart, two words would search our DNS.
NOT_PUBLIC: Final = frozenset({FailureKind.DNS, FailureKind.ADDRESS_REFUSED})
_NOT_PUBLIC: Final = "the URL's host has no public address: check its name in the DNS"
WORDS: Final[Mapping[str, str]] = {
    FailureKind.TIMEOUT: "no whole answer came in time",
    FailureKind.DNS: _NOT_PUBLIC,
    FailureKind.CONNECT: "no connection could be made: check that the endpoint listens at the URL's host and port",
    FailureKind.TLS: (
        "no secure connection could be made: check that the certificate is for this host, not expired, "
        "and sent with its intermediates"
    ),
    FailureKind.RESET: "the endpoint closed the connection before its answer was complete",
    FailureKind.PROTOCOL: "what came back is not a valid HTTP/1.1 answer",
    FailureKind.ADDRESS_REFUSED: _NOT_PUBLIC,
    FailureKind.UNSIGNABLE: "the request could not be signed: the operator finds the reason in the delivery log",
    FailureKind.UNANSWERED: "the attempt was given up before its answer came, and is made again",
    FailureKind.BUG: "the attempt ended in an error of ours, which the operator finds in the log",
}
_UNKNOWN: Final = "no answer came"
_DEATHS: Final[Mapping[str, str]] = {
    DeathReason.EXHAUSTED: "every attempt failed",
    DeathReason.EXPIRED: "it failed until the time allowed for retries was over",
    DeathReason.WAITED: (
        "its turn did not come in time: the endpoint was sent more than it takes, or could not be reached"
    ),
    DeathReason.GONE: "the endpoint is gone",
    DeathReason.RETRIES_NONE: "its only attempt failed",
    DeathReason.SUSPENDED: "the webhook is suspended",
    DeathReason.BLOCKED: "its key was let go on without it, or had no room for it",
    DeathReason.TOO_LARGE: "it is too large to be kept for another attempt",
}
_STATUS: Final = re.compile("HTTP [0-9]{3}")


def of_failure(kind: str | None) -> str:
    """The words for a kind of failure, as a record has it: some also for one that this version does not know."""
    return WORDS.get(kind or "", _UNKNOWN)


def of_death(reason: str, detail: str) -> str:
    """The words for a dead letter: `detail` is what `outcome.described` made, or a sentence of ours."""
    if _STATUS.fullmatch(detail):
        return detail
    return WORDS.get(detail.partition(":")[0]) or _DEATHS.get(reason, "it could not be delivered")


def told_ms(kind: FailureKind, elapsed_ms: float) -> float:
    """How long it took; nothing where no public address was found, which would tell of our name service."""
    return 0.0 if kind in NOT_PUBLIC else elapsed_ms
