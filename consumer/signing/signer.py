"""From an event and a subscription to the exact bytes of a request.

The law: an event's id and body are the same on every attempt, the signature is new on each, and the customer's own
headers come last and never replace an owned one. Secrets are opened once and appear in no repr, error or log.
"""

import hashlib

import msgspec

from consumer.brands.brand import Brand
from consumer.events.event import Event
from consumer.events.identity import source_mark, webhook_id
from consumer.granted import Networks, lets
from consumer.signing.payload import render
from consumer.signing.profiles import HttpHeaders, Scheme, keys, scheme
from consumer.signing.request import ClientTls, Request
from consumer.signing.written import Preparation, Prepare, Written
from consumer.webhooks.headers import check_headers, open_headers
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.placeholders import REDACTED
from consumer.webhooks.secrets import OVERLAPPING
from consumer.webhooks.subscription import PayloadFormat, SealedSecret, SigningProfile, Subscription
from consumer.webhooks.tls import open_tls
from consumer.webhooks.wrong import FieldInvalid

_IN_PYTHON = frozenset({PayloadFormat.SLACK, PayloadFormat.DISCORD})
"""Formats that the native step does not render: these bodies are for people, and few."""


class Signer:
    """Signs one subscription's requests. Built once for a subscription's revision, kept beside its lane."""

    writes = False
    """Whether the native step writes its requests, nearly all of them."""

    def __init__(
        self,
        subscription: Subscription,
        brand: Brand,
        keyring: Keyring,
        prepare: Prepare | None = None,
        *,
        granted: Networks = (),
    ) -> None:
        """Open the secrets and make the parts that no event changes. `prepare` is the native step's, where it sends.

        `granted` are the networks that this webhook may reach and others may not.

        Raises:
            SecretUnusableError: a secret does not fit the signing profile.
            SecretUnreadable: the key that sealed it is missing, or it was changed.
        """
        self._brand = brand
        self._payload_format = subscription.payload_format
        self._url = subscription.url
        self._timeout_ms = subscription.timeout_ms
        self._event_header = event_header(subscription.signing, brand)

        def opened(sealed: SealedSecret) -> str:
            return keyring.open(sealed, tenant=subscription.tenant, subscription_id=subscription.id).decode()

        header = signature_header(subscription.signing, brand)
        current = opened(subscription.secret)
        former = subscription.former_secrets if subscription.signing in OVERLAPPING else ()
        plain = [(each.until_ms, opened(each.secret)) for each in former]
        # Until each of these times, those that sign at least so long sign together; the current one alone is the first.
        self._overlaps_ms = sorted({end_ms for end_ms, _ in plain})
        together = [
            (current,),
            *((current, *(secret for end_ms, secret in plain if end_ms >= each)) for each in self._overlaps_ms),
        ]
        self._schemes: list[Scheme] = [scheme(subscription.signing, each, header=header) for each in together]
        self._overlap_until_ms = max(self._overlaps_ms, default=0)

        taken = {name.lower() for name in (header, self._event_header) if name is not None}
        self._own: HttpHeaders = tuple(
            (name, value)
            for name, value in open_headers(subscription, keyring).items()
            if name.lower() not in taken and _allowed(name, value, brand)
        )
        self._tls = _client_tls(subscription, keyring)
        self._granted = granted
        self._own_shown: HttpHeaders = tuple((name, REDACTED) for name, _ in self._own)
        self._static: dict[str, HttpHeaders] = {}
        self._renders = subscription.payload_format not in _IN_PYTHON
        # A webhook with TLS of its own is the sockets engine's.
        self._endpoint = (
            None
            if prepare is None or self._tls is not None
            else prepare(
                Preparation(
                    url=subscription.url,
                    timeout_ms=subscription.timeout_ms,
                    brand=brand.name,
                    user_agent=brand.user_agent,
                    signing=subscription.signing,
                    header=header,
                    schemes=tuple([keys(subscription.signing, each) for each in together]),
                    event_header=self._event_header,
                    payload_format=subscription.payload_format if self._renders else None,
                    with_workspace=brand.with_workspace,
                    own=self._own,
                    redacted=REDACTED,
                )
            )
        )
        self.writes = self._endpoint is not None

    def body(self, event: Event) -> tuple[bytes, str]:
        """The body's bytes and its content type: the same for the same event, whenever it is asked."""
        return render(self._payload_format, event, self._brand)

    def written(
        self, event: Event, rendered: tuple[bytes, str] | None, now_ms: int, addresses: tuple[str, ...]
    ) -> Written | None:
        """The same as `request`, written by the native step, which renders what was not `rendered` before.

        None: it does not write for this webhook, or cannot tell this event, as one with a `tracestate`. Nor does it
        where a network is granted: the sockets engine sends there.
        """
        if self._endpoint is None or event.tracestate is not None or self._granted_at(addresses):
            return None
        if rendered is None and not self._renders:
            rendered = self.body(event)
        body, content_type = rendered or (None, "")
        mark = None if event.source is None else source_mark(event.source)
        number = 0 if now_ms >= self._overlap_until_ms else self._scheme_at(now_ms)
        try:
            return self._endpoint.request(
                event.id,
                event.type,
                event.tenant,
                event.product,
                event.time_ms,
                event.data,
                event.traceparent,
                mark,
                body,
                content_type,
                number,
                now_ms,
                addresses,
            )
        except (UnicodeEncodeError, OverflowError):
            return None

    def request(
        self, *, event: Event, body: bytes, content_type: str, now_ms: int, addresses: tuple[str, ...] = ()
    ) -> Request:
        """The complete request of one attempt at `now_ms`, signed with the secrets valid then."""
        return self.request_as(webhook_id(event), event, body, content_type, now_ms=now_ms, addresses=addresses)

    def request_as(
        self, name: str, event: Event, body: bytes, content_type: str, *, now_ms: int, addresses: tuple[str, ...]
    ) -> Request:
        """The same with this `webhook-id`: as it was sent before, where too little is known of the event to make it."""
        signed_by = self._schemes[self._scheme_at(now_ms)]
        headers = self._always(content_type) + signed_by.headers(name, str(now_ms // 1_000), body)
        if self._event_header is not None:
            headers += ((self._event_header, _header_safe(event.type)),)
        if event.traceparent is not None:
            headers += (("traceparent", event.traceparent),)
            if event.tracestate is not None:
                headers += (("tracestate", event.tracestate),)
        return Request(
            url=self._url,
            headers=headers + self._own,
            body=body,
            timeout_ms=self._timeout_ms,
            addresses=addresses,
            tls=self._tls,
            granted=self._granted_at(addresses),
        )

    def shown(self, request: Request) -> HttpHeaders:
        """The headers of a request made here, for the log: the customer's own values are replaced."""
        if not self._own:
            return request.headers
        return request.headers[: -len(self._own)] + self._own_shown

    def _granted_at(self, addresses: tuple[str, ...]) -> Networks:
        """What is granted to this webhook, where it is needed for one of the addresses."""
        if self._granted and any(lets(self._granted, address) for address in addresses):
            return self._granted
        return ()

    def _scheme_at(self, now_ms: int) -> int:
        """Which of the schemes signs at this time."""
        if now_ms >= self._overlap_until_ms:
            return 0
        return next(number for number, until_ms in enumerate(self._overlaps_ms, 1) if now_ms < until_ms)

    def _always(self, content_type: str) -> HttpHeaders:
        """What every request of this content type begins with; a format has one or, after a change, two."""
        found = self._static.get(content_type)
        if found is None:
            found = (("content-type", content_type), ("user-agent", self._brand.user_agent))
            self._static[content_type] = found
        return found


def _client_tls(subscription: Subscription, keyring: Keyring) -> ClientTls | None:
    """What its connections are made with. The name is of what is in it: connections are shared by nobody else."""
    opened = open_tls(subscription, keyring)
    if opened is None:
        return None
    digest = hashlib.sha256(msgspec.json.encode((subscription.tenant, subscription.id, opened)))
    return ClientTls(
        name=digest.hexdigest(), certificate=opened.certificate, key=opened.key, authorities=opened.authorities
    )


def signature_header(signing: SigningProfile, brand: Brand) -> str:
    """The brand's signature header under its own profile; under another one the name that profile is known by."""
    if signing is brand.signing:
        return brand.signature_header
    match signing:
        case SigningProfile.HEX:
            return f"X-{_in_a_name(brand.title)}-Signature"
        case SigningProfile.SHA256:
            return "X-Signature-256"
        case SigningProfile.STRIPE:
            return f"{_in_a_name(brand.title)}-Signature"
        case SigningProfile.STANDARD | SigningProfile.ED25519:
            return brand.signature_header


def event_header(signing: SigningProfile, brand: Brand) -> str | None:
    """The header that carries the event type: the brand's, or the one that comes with hex where hex was chosen."""
    if brand.event_header is None and signing is SigningProfile.HEX and brand.signing is not SigningProfile.HEX:
        return f"X-{_in_a_name(brand.title)}-Event"
    return brand.event_header


def _allowed(name: str, value: str, brand: Brand) -> bool:
    """The rule of the webhook's writing, applied again: no record, however old, can override an owned name."""
    try:
        check_headers({name: value}, brand)
    except FieldInvalid:
        return False
    return True


def _in_a_name(title: str) -> str:
    return "".join(character for character in title if character.isascii() and character.isalnum())


def _header_safe(event_type: str) -> str:
    """An event type as a header value: what is not visible ASCII is percent-encoded (UTF-8), so nothing ends early."""
    if event_type.isascii() and event_type.isprintable() and event_type == event_type.strip():
        return event_type
    encoded = event_type.encode("utf-8", "surrogatepass")
    visible = range(0x21, 0x7F)
    return "".join(chr(byte) if byte in visible else f"%{byte:02X}" for byte in encoded)
