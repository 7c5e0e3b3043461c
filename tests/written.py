"""Stands for the native step where it is not installed: Python makes the requests, and answers note what is read."""

from dataclasses import dataclass, field

from consumer.brands.loader import brand
from consumer.delivery.answer import UNTIMED, Kept
from consumer.delivery.target import Target
from consumer.signing.profiles import HttpHeaders
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.signing.written import Preparation
from consumer.webhooks.subscription import Subscription
from tests.deliveries import KEYRING

RECORD = b"the record"


@dataclass(frozen=True, slots=True)
class MadeInPython:
    """A request as the step would have written it."""

    request: Request

    @property
    def headers(self) -> HttpHeaders:
        return self.request.headers

    @property
    def shown(self) -> HttpHeaders:
        return self.request.headers

    @property
    def body(self) -> bytes:
        return self.request.body

    @property
    def content_type(self) -> str:
        return self.request.content_type

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.request.addresses


@dataclass(slots=True)
class Prepared:
    """An endpoint. What it `raises` it raises instead of a request."""

    preparation: Preparation
    raises: Exception | None = None

    def request(self, *told: object) -> MadeInPython:
        if self.raises is not None:
            raise self.raises
        (_, kind, _, _, _, data, traceparent, _, body, content_type, _, _, addresses) = told
        assert isinstance(data, bytes)
        assert isinstance(addresses, tuple)
        sent = b"%b of %b" % (str(kind).encode(), data) if body is None else body
        assert isinstance(sent, bytes)
        headers: HttpHeaders = (("content-type", str(content_type or "application/json")),)
        if traceparent is not None:
            headers += (("traceparent", str(traceparent)),)
        timeout_ms = self.preparation.timeout_ms
        return MadeInPython(
            Request(url=self.preparation.url, headers=headers, body=sent, timeout_ms=timeout_ms, addresses=addresses)
        )


@dataclass(slots=True)
class Came:
    """An answer, which notes what was read of it. What it `raises` it raises instead of a record."""

    fields: HttpHeaders = ()
    raises: Exception | None = None
    read: list[str] = field(default_factory=list)
    told: tuple[object, ...] = ()

    @property
    def headers(self) -> HttpHeaders:
        self.read.append("headers")
        return self.fields

    @property
    def body(self) -> bytes:
        self.read.append("body")
        return b"answered"

    @property
    def body_truncated(self) -> bool:
        return False

    def record(self, *told: object) -> bytes:
        if self.raises is not None:
            raise self.raises
        self.told = told
        return RECORD


def kept(status: int = 200, *headers: tuple[str, str], raises: Exception | None = None) -> Kept:
    return Kept(status=status, elapsed_ms=1.0, timing=UNTIMED, came=Came(headers, raises))


def came_of(answer: Kept) -> Came:
    assert isinstance(answer.came, Came)
    return answer.came


def writing_target(subscription: Subscription, raises: Exception | None = None) -> Target:
    """One whose requests the step writes."""
    prepared = lambda preparation: Prepared(preparation, raises)  # noqa: E731 # one line
    return Target(subscription, lambda each: Signer(each, brand(each.brand), KEYRING, prepared))
