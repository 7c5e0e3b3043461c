"""The flags that describe a webhook, the same for `create` and `update`.

The law: a flag that is not given says nothing; one that is given empty (or 0, for a limit) clears its field, where it
can be without.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from cyclopts import Parameter

from consumer.cli.exits import usage
from consumer.webhooks.ordering import NONE
from consumer.webhooks.subscription import OnFailure, PayloadFormat, Retries, SigningProfile
from consumer.webhooks.wishes import KEPT, Changes, Wishes
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong


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
    ordering: Annotated[
        str | None,
        Parameter(help="none, key (one after the other of each Kafka key), or a path as in data.order_id."),
    ] = None
    on_failure: Annotated[
        OnFailure | None, Parameter(help="Of an ordered one's key when its delivery is given up: it goes on, or stops.")
    ] = None


def wishes_of(
    flags: WebhookFlags, *, tenant: str, url: str, brand: str, signing: SigningProfile | None, secret: str | None
) -> Wishes:
    """A creation.

    Raises:
        FieldInvalid: a header is not `Name: value`.
    """
    return Wishes(
        tenant=tenant,
        url=url,
        brand=brand,
        event_types=None if flags.event is None else tuple(flags.event),
        product=flags.product or None,
        name=flags.name or "",
        description=flags.description or "",
        signing=signing,
        payload_format=flags.payload_format,
        secret=secret,
        retries=flags.retries,
        timeout_ms=flags.timeout_ms,
        headers=_headers(flags.header or ()),
        filter_json=flags.filter_json or None,
        rate_per_s=flags.rate_per_s or None,
        max_concurrency=flags.max_concurrency or None,
        ordering=flags.ordering or NONE,
        on_failure=flags.on_failure or OnFailure.DEAD_LETTER,
    )


def changes_of(flags: WebhookFlags, *, url: str | None) -> Changes:
    """An update.

    Raises:
        FieldInvalid: a header is not `Name: value`.
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
    )
    if changes == Changes():
        raise usage("say what to change: see hookline webhooks update --help")
    return changes


def secret_of(given: str | None) -> str | None:
    """The secret; `-` reads it from standard input, where no list of processes shows it."""
    return sys.stdin.readline().rstrip("\r\n") if given == "-" else given


def _headers(given: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    wrong: list[Wrong] = []
    for text in given:
        if not text:
            continue
        name, colon, value = text.partition(":")
        if not colon:
            message = "write a name, a colon and a value, as in 'X-Team: billing'"
            wrong.append(Wrong(field="headers", code=Code.MALFORMED, message=message))
        if name.strip() in headers:
            message = f"{name.strip()} is given twice"
            wrong.append(Wrong(field="headers", code=Code.DUPLICATE, message=message))
        headers[name.strip()] = value.strip()
    if wrong:
        raise FieldInvalid(*wrong)
    return headers
