"""Why an attempt failed, whether the endpoint may have received it, and what to do now: one table for all who say it.

The law: every end of an attempt but an acceptance has exactly one explanation; a host that does not exist and one that
leads inside are told alike, without a duration; and "no" is said only where no byte of the request left us.
"""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from consumer.delivery.answer import FailureKind
from consumer.delivery.outcome import DeathReason

_SUCCESS: Final = 2
_REDIRECT: Final = 3
_CLIENT_ERROR: Final = 4
_SERVER_ERROR: Final = 5


class Received(StrEnum):
    """Whether the endpoint got the request."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """For customers. `code` is stable; `received` is None where no attempt is meant."""

    code: str
    title: str
    received: Received | None
    cause: str
    remedies: tuple[str, ...]


def _row(code: str, title: str, received: Received | None, cause: str, *remedies: str) -> Explanation:
    return Explanation(code=code, title=title, received=received, cause=cause, remedies=remedies)


_SPOT_REPEATS: Final = "Spot repeats by the webhook-id: it is the same at every attempt of an event."
_OUR_FAULT: Final = "There is nothing for you to do: it is tried again, and nothing is held against the endpoint."

_NO_PUBLIC_ADDRESS: Final = _row(
    "no_public_address",
    "The host has no public address",
    Received.NO,
    "The URL's host is not known in the DNS, or does not lead to a public address.",
    "Check the host's name in the DNS, from outside your own network.",
    "Change the webhook's URL if the endpoint has moved.",
)
_FAILURES: Final[dict[str, Explanation]] = {
    FailureKind.TIMEOUT: _row(
        "timeout",
        "No answer in time",
        Received.MAYBE,
        "No whole answer came before the webhook's timeout. The endpoint may have handled the event.",
        "Answer 2xx first, and do the work afterwards.",
        _SPOT_REPEATS,
        "Raise the webhook's timeout, up to 30 seconds.",
    ),
    FailureKind.DNS: _NO_PUBLIC_ADDRESS,
    FailureKind.ADDRESS_REFUSED: _NO_PUBLIC_ADDRESS,
    FailureKind.CONNECT: _row(
        "connect",
        "No connection",
        Received.NO,
        "Nothing took the connection at the URL's host and port.",
        "Check that the endpoint's process listens at this port.",
        "Check that no firewall keeps the sender out.",
    ),
    FailureKind.TLS: _row(
        "tls",
        "No secure connection",
        Received.NO,
        "The endpoint's certificate was not accepted, or no secure connection could be agreed on.",
        "Check that the certificate is for this host and has not expired.",
        "Check that the server sends the intermediate certificates too.",
    ),
    FailureKind.RESET: _row(
        "reset",
        "Connection closed too early",
        Received.MAYBE,
        "The connection was closed before the answer was complete. The endpoint may have handled the event.",
        "Look for a crash or a restart of the endpoint, or of a proxy before it, at this time.",
        _SPOT_REPEATS,
    ),
    FailureKind.PROTOCOL: _row(
        "protocol",
        "Not a valid HTTP answer",
        Received.MAYBE,
        "What came back is not an HTTP/1.1 answer, or is larger than one may be.",
        "Check that the URL's port speaks HTTP, and https:// where TLS is expected.",
        "Check what a proxy before the endpoint adds to its answers.",
    ),
    FailureKind.UNSIGNABLE: _row(
        "unsignable",
        "Not sent: the secret could not be opened",
        Received.NO,
        "The webhook's secret could not be opened here, so the request could not be signed.",
        _OUR_FAULT,
    ),
    FailureKind.UNANSWERED: _row(
        "unanswered",
        "Given up before its answer came",
        Received.MAYBE,
        "The process that sent it ended, or had to go on, before the answer came.",
        _OUR_FAULT,
        _SPOT_REPEATS,
    ),
    FailureKind.BUG: _row(
        "bug",
        "An error of ours",
        Received.MAYBE,
        "The attempt ended in an error of ours, which the operator finds in the log.",
        _OUR_FAULT,
    ),
}
_UNKNOWN: Final = _row("no_answer", "No answer", Received.MAYBE, "No answer came.", _SPOT_REPEATS)

_BAD_REQUEST: Final = _row(
    "bad_request",
    "The endpoint refused the content",
    Received.YES,
    "The endpoint read the request and refused what is in it.",
    "Look into the endpoint's own log at this time.",
    "Check that it expects the webhook's payload format.",
    "Try it with a test event.",
)
_UNAUTHORIZED: Final = _row(
    "unauthorized",
    "The endpoint refused the sender",
    Received.YES,
    "The endpoint, or what stands before it, did not accept who sent this.",
    "Check the signature over the exact bytes of the body.",
    "Check that the endpoint knows the secret, above all after a rotation.",
    "Check a header that you set for it, and the firewall before it.",
)
_NOT_FOUND: Final = _row(
    "not_found",
    "Nothing answers at this address",
    Received.YES,
    "A server answered, and knows nothing at this path or does not take POST there.",
    "Check the path of the webhook's URL.",
    "Check that the endpoint takes the method POST.",
)
_TOO_MANY: Final = _row(
    "too_many",
    "The endpoint asks to slow down",
    Received.YES,
    "The endpoint gets more than it takes. Fewer requests are sent to it at once, and Retry-After is honoured.",
    "Set a rate limit on the webhook.",
)
_UNAVAILABLE: Final = _row(
    "unavailable",
    "The server in front could not reach the endpoint",
    Received.MAYBE,
    "A proxy or load balancer answered in the endpoint's place.",
    "Look for a deployment or an overload of the endpoint at this time.",
    "Check the health check of the load balancer.",
)
_STATUSES: Final[dict[int, Explanation]] = {
    HTTPStatus.BAD_REQUEST: _BAD_REQUEST,
    HTTPStatus.UNPROCESSABLE_ENTITY: _BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED: _UNAUTHORIZED,
    HTTPStatus.FORBIDDEN: _UNAUTHORIZED,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: _UNAUTHORIZED,
    HTTPStatus.NOT_FOUND: _NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: _NOT_FOUND,
    HTTPStatus.GONE: _row(
        "gone",
        "The endpoint says it is gone",
        Received.YES,
        "A 410 says that the endpoint wants no more events, so the webhook was suspended.",
        "Resume the webhook when the endpoint is back.",
        "Delete it when it is not coming back.",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _row(
        "too_large",
        "The request was too large",
        Received.YES,
        "The endpoint, or a proxy before it, takes no request of this size.",
        "Raise the limit of the proxy or of the endpoint.",
    ),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: _row(
        "media_type",
        "The content type was refused",
        Received.YES,
        "The endpoint does not take the content type that was sent.",
        "Let it take application/json.",
    ),
    HTTPStatus.REQUEST_TIMEOUT: _TOO_MANY,
    HTTPStatus.TOO_EARLY: _TOO_MANY,
    HTTPStatus.TOO_MANY_REQUESTS: _TOO_MANY,
    HTTPStatus.BAD_GATEWAY: _UNAVAILABLE,
    HTTPStatus.SERVICE_UNAVAILABLE: _UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: _UNAVAILABLE,
}
_CLASSES: Final[dict[int, Explanation]] = {
    _REDIRECT: _row(
        "redirect",
        "The endpoint redirects",
        Received.YES,
        "The endpoint answered with another address. Redirects are not followed.",
        "Set the new address as the webhook's URL.",
    ),
    _CLIENT_ERROR: _row(
        "client_error",
        "The endpoint refused the request",
        Received.YES,
        "The endpoint read the request and refused it.",
        "Look into the endpoint's own log at this time.",
    ),
    _SERVER_ERROR: _row(
        "server_error",
        "The endpoint failed",
        Received.YES,
        "The endpoint met an error while it handled the event.",
        "Look into the endpoint's own log for the webhook-id.",
    ),
}
_ODD: Final = _row(
    "odd_status",
    "An answer that is no success",
    Received.YES,
    "Only an answer of 200 to 299 says that the event was accepted.",
    "Let the endpoint answer 200 or 204.",
)

_RECOVER: Final = "Send it again, or recover what was missed, once the endpoint is well."
_DEATHS: Final[dict[str, Explanation]] = {
    DeathReason.EXPIRED: _row(
        "late", "Given up after 24 hours", None, "It failed for as long as it is tried again.", _RECOVER
    ),
    DeathReason.SUSPENDED: _row(
        "suspended",
        "Not sent: suspended",
        Received.NO,
        "The webhook had been suspended, so nothing was sent.",
        "Resume the webhook, and recover what was missed.",
    ),
    DeathReason.WAITED: _row(
        "never_its_turn",
        "Given up before its turn came",
        None,
        "More events waited for the endpoint than it takes, and this one's turn did not come in time.",
        "Let the endpoint answer faster, or take more at once.",
        "Raise the webhook's rate limit, if it has one.",
        _RECOVER,
    ),
    DeathReason.BLOCKED: _row(
        "its_key_stopped",
        "Given up, and its key stopped",
        None,
        "It could not be delivered, and the webhook asks that nothing of its key is sent before it is decided what "
        "becomes of it.",
        "Mend what refuses it, and unblock the webhook with retry.",
        "Or unblock it with drop: what waits behind it goes on, and this one can be replayed.",
    ),
    DeathReason.TOO_LARGE: _row(
        "too_large_to_keep",
        "Not kept for another attempt",
        None,
        "It is too large to be kept for another attempt.",
        _RECOVER,
    ),
}


def of_attempt(status: int | None, failure: str | None) -> Explanation | None:
    """Of an attempt with this HTTP status, or with this kind of failure and none. None: it was accepted."""
    if status is None:
        return _FAILURES.get(failure or "", _UNKNOWN)
    if status // 100 == _SUCCESS:
        return None
    return _STATUSES.get(status) or _CLASSES.get(status // 100) or _ODD


def of_death(reason: str) -> Explanation | None:
    """Of a delivery that ended for this reason, where its last attempt does not say it all."""
    return _DEATHS.get(reason)


def table() -> tuple[Explanation, ...]:
    """Every explanation there is, each code once: for the docs and for whoever translates them."""
    rows = (*_FAILURES.values(), _UNKNOWN, *_CLASSES.values(), *_STATUSES.values(), _ODD, *_DEATHS.values())
    return tuple({row.code: row for row in rows}.values())
