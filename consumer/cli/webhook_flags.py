"""The flags that describe a webhook, the same for `create` and `update`.

The law: a flag that is not given says nothing; one that is given empty (or 0, for a limit) clears its field, where it
can be without.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from consumer.cli.exits import usage
from consumer.webhooks.ordering import NONE
from consumer.webhooks.subscription import OnFailure, PayloadFormat, Retries, SigningProfile, Status
from consumer.webhooks.tls import TlsWish
from consumer.webhooks.wishes import KEPT, Changes, Wishes
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong

_STATUSES: Final[Mapping[str, Literal[Status.ACTIVE, Status.PAUSED]]] = {
    "active": Status.ACTIVE,
    "paused": Status.PAUSED,
}


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFlags:
    """What may be said of a webhook."""

    event: Annotated[
        list[str] | None,
        Parameter(negative=(), help="An event type, prefix.* or *; may be repeated, replaces the list. Default: *."),
    ] = None
    product: Annotated[str | None, Parameter(help="Only this product's events.")] = None
    name: Annotated[str | None, Parameter(help="For people.")] = None
    description: Annotated[str | None, Parameter(help="For people.")] = None
    payload_format: Annotated[PayloadFormat | None, Parameter(name="--format", help="Default: the brand's.")] = None
    retries: Annotated[Retries | None, Parameter(help="Default: the brand's.")] = None
    timeout_ms: Annotated[int | None, Parameter(help="1000 to 30000. Default: the brand's.")] = None
    header: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="'Name: value' on every request; may be repeated, replaces the set; '' empties it; the value [hidden] "
            "keeps the one that is there.",
        ),
    ] = field(default=None, repr=False)
    filter_json: Annotated[
        str | None, Parameter(name="--filter", help="An event pattern on the payload, as JSON; '' lifts it.")
    ] = None
    rate_per_s: Annotated[float | None, Parameter(help="Requests a second, at most; 0 lifts it.")] = None
    max_concurrency: Annotated[int | None, Parameter(help="Requests at once, at most; 0 lifts it.")] = None
    metadata: Annotated[
        list[str] | None,
        Parameter(negative=(), help="'name=value', a note of yours; may be repeated, replaces the set; '' empties it."),
    ] = None
    ordering: Annotated[
        str | None,
        Parameter(help="none, key (one after the other of each Kafka key), or a path as in data.order_id."),
    ] = None
    on_failure: Annotated[
        OnFailure | None, Parameter(help="Of an ordered one's key when its delivery is given up: it goes on, or stops.")
    ] = None
    client_certificate: Annotated[
        str | None,
        Parameter(
            help="A file: the certificate that requests show, as PEM. With the next two it replaces all there was."
        ),
    ] = None
    client_key: Annotated[str | None, Parameter(help="A file: its private key, as PEM.")] = None
    authorities: Annotated[
        str | None,
        Parameter(help="A file: the authorities that it trusts instead of the public ones. '' for all three: no TLS."),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class BeginningFlags:
    """What is said of a webhook when it is created."""

    signing: Annotated[SigningProfile | None, Parameter(help="Default: the brand's.")] = None
    secret: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="Its own; - reads it from standard input. Default: generated."),
    ] = field(default=None, repr=False)
    status: Annotated[
        Literal["active", "paused"] | None, Parameter(help="paused: nothing is delivered until it is resumed.")
    ] = None


def wishes_of(
    flags: WebhookFlags, beginning: BeginningFlags, *, tenant: str, url: str, brand: str, uid: str | None
) -> Wishes:
    """A creation.

    Raises:
        FieldInvalid: a header is not `Name: value`, or metadata not `name=value`.
    """
    return Wishes(
        tenant=tenant,
        url=url,
        brand=brand,
        event_types=None if flags.event is None else tuple(flags.event),
        product=flags.product or None,
        name=flags.name or "",
        description=flags.description or "",
        signing=beginning.signing,
        payload_format=flags.payload_format,
        secret=secret_of(beginning.secret),
        retries=flags.retries,
        timeout_ms=flags.timeout_ms,
        headers=_headers(flags.header or ()),
        filter_json=flags.filter_json or None,
        rate_per_s=flags.rate_per_s or None,
        max_concurrency=flags.max_concurrency or None,
        ordering=flags.ordering or NONE,
        on_failure=flags.on_failure or OnFailure.DEAD_LETTER,
        status=None if beginning.status is None else _STATUSES[beginning.status],
        uid=uid,
        metadata=_metadata(flags.metadata or ()),
        tls=_tls(flags),
    )


def changes_of(flags: WebhookFlags, *, url: str | None) -> Changes:
    """An update.

    Raises:
        FieldInvalid: a header is not `Name: value`, or metadata not `name=value`.
        CommandFailed: 64, nothing is changed.
    """
    changes = Changes(
        url=KEPT if url is None else url,
        event_types=KEPT if flags.event is None else tuple(flags.event),
        product=KEPT if flags.product is None else flags.product or None,
        name=KEPT if flags.name is None else flags.name,
        description=KEPT if flags.description is None else flags.description,
        payload_format=KEPT if flags.payload_format is None else flags.payload_format,
        retries=KEPT if flags.retries is None else flags.retries,
        timeout_ms=KEPT if flags.timeout_ms is None else flags.timeout_ms,
        headers=KEPT if flags.header is None else _headers(flags.header),
        filter_json=KEPT if flags.filter_json is None else flags.filter_json or None,
        rate_per_s=KEPT if flags.rate_per_s is None else flags.rate_per_s or None,
        max_concurrency=KEPT if flags.max_concurrency is None else flags.max_concurrency or None,
        ordering=KEPT if flags.ordering is None else flags.ordering or NONE,
        on_failure=KEPT if flags.on_failure is None else flags.on_failure,
        metadata=KEPT if flags.metadata is None else _metadata(flags.metadata),
        tls=_tls(flags) if any(each is not None for each in _tls_files(flags)) else KEPT,
    )
    if changes == Changes():
        raise usage("say what to change: see hookline webhooks update --help")
    return changes


def secret_of(given: str | None) -> str | None:
    """The secret; `-` reads it from standard input, where no list of processes shows it."""
    return sys.stdin.readline().rstrip("\r\n") if given == "-" else given


def _tls_files(flags: WebhookFlags) -> tuple[str | None, str | None, str | None]:
    return flags.client_certificate, flags.client_key, flags.authorities


def _tls(flags: WebhookFlags) -> TlsWish | None:
    """What these files hold. Raises CommandFailed: one cannot be read."""
    certificate, key, authorities = map(_text, _tls_files(flags))
    wish = TlsWish(certificate=certificate, key=key, authorities=authorities)
    return None if wish == TlsWish() else wish


def _text(file: str | None) -> str:
    if not file:
        return ""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text: write the certificate as PEM"
        raise usage(f"{file} cannot be read: {reason}") from None


def _headers(given: Sequence[str]) -> dict[str, str]:
    return _pairs("headers", given, ":", "write a name, a colon and a value, as in 'X-Team: billing'")


def _metadata(given: Sequence[str]) -> dict[str, str]:
    return _pairs("metadata", given, "=", "write a name, = and a value, as in team=billing")


def _pairs(field_: str, given: Sequence[str], mark: str, advice: str) -> dict[str, str]:
    """Names and values. Raises FieldInvalid: of everything that is no such pair, or there twice."""
    pairs: dict[str, str] = {}
    wrong: list[Wrong] = []
    for text in given:
        if not text:
            continue
        name, found, value = text.partition(mark)
        if not found:
            wrong.append(Wrong(field=field_, code=Code.MALFORMED, message=advice))
        if name.strip() in pairs:
            wrong.append(Wrong(field=field_, code=Code.DUPLICATE, message=f"{name.strip()} is given twice"))
        pairs[name.strip()] = value.strip()
    if wrong:
        raise FieldInvalid(*wrong)
    return pairs
