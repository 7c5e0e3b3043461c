"""From a request's body to what `webhooks.draft` takes, and from its refusals back to the request's names.

The law: a member that was not sent is not changed; one that was sent as null is cleared. Pure.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, cast

import msgspec

from consumer.api.problem import Refusal
from consumer.api.problem import invalid as refusal
from consumer.api.webhook_inputs import WebhookInput, WebhookPut, WebhookTlsInput, WebhookUpdate
from consumer.brands.brand import Brand
from consumer.control.owner import Owner
from consumer.webhooks.ordering import NONE
from consumer.webhooks.subscription import OnFailure, Status
from consumer.webhooks.tls import TlsWish
from consumer.webhooks.wishes import KEPT, Changes, Wishes
from consumer.webhooks.wrong import Code, Faults, FieldInvalid, Wrong, invalid

_IN_REQUESTS: Final = {
    "timeout_ms": "requestConfig.timeoutMs",
    "headers": "requestConfig.headers",
    "rate_per_s": "rateLimit",
    "max_concurrency": "maxConcurrency",
    "on_failure": "onFailure",
    "payload_format": "payloadFormat",
    "overlap_seconds": "overlapSeconds",
    "expires_at": "expiresAt",
    "embed_origins": "embedOrigins",
    "return_url": "returnUrl",
}


def wishes_of(body: WebhookPut, owner: Owner, faults: Faults, *, uid: str | None) -> Wishes:
    """What a customer asks for. Of `filter`, that it cannot be written as JSON is a fault."""
    config = body.request_config
    return Wishes(
        tenant=owner.tenant,
        brand=owner.brand,
        url=body.url,
        event_types=_event_types(body),
        product=body.product,
        name=body.name or "",
        description=body.description or "",
        signing=body.signing,
        payload_format=body.payload_format,
        secret=own_secret(body),
        retries=body.retries,
        timeout_ms=None if config is None else config.timeout_ms,
        headers={} if config is None or config.headers is None else config.headers,
        filter_json=_filter_json(body, faults),
        rate_per_s=body.rate_limit,
        max_concurrency=body.max_concurrency,
        ordering=body.ordering or NONE,
        on_failure=body.on_failure or OnFailure.DEAD_LETTER,
        status=_chosen(body.status),
        uid=uid,
        metadata=body.metadata or {},
        tls=_tls(body.tls),
    )


def changes_of(body: WebhookUpdate, brand: Brand, faults: Faults) -> Changes:
    """What an update changes. Null brings back the brand's own way where a webhook cannot be without.

    Of `filter`, that it cannot be written as JSON is a fault; of `url` and `status`, that it is null.
    """
    sent = body.model_fields_set
    config = body.request_config
    in_config = set() if config is None else config.model_fields_set
    for name in ("url", "status"):
        if name in sent and getattr(body, name) is None:
            faults.add(*invalid(name, Code.NULL, "cannot be null: leave it out to keep it").wrong)
    timeout_ms = None if config is None else config.timeout_ms
    headers = None if config is None else config.headers
    return Changes(
        url=body.url if body.url is not None else KEPT,
        event_types=_event_types(body) if "event_types" in sent else KEPT,
        product=body.product if "product" in sent else KEPT,
        name=(body.name or "") if "name" in sent else KEPT,
        description=(body.description or "") if "description" in sent else KEPT,
        payload_format=(body.payload_format or brand.payload_format) if "payload_format" in sent else KEPT,
        retries=(body.retries or brand.retries) if "retries" in sent else KEPT,
        timeout_ms=(brand.timeout_ms if timeout_ms is None else timeout_ms) if "timeout_ms" in in_config else KEPT,
        headers=(headers or {}) if "headers" in in_config else KEPT,
        filter_json=_filter_json(body, faults) if "filter" in sent else KEPT,
        rate_per_s=body.rate_limit if "rate_limit" in sent else KEPT,
        max_concurrency=body.max_concurrency if "max_concurrency" in sent else KEPT,
        ordering=(body.ordering or NONE) if "ordering" in sent else KEPT,
        on_failure=(body.on_failure or OnFailure.DEAD_LETTER) if "on_failure" in sent else KEPT,
        status=_chosen(body.status) or KEPT,
        metadata=(body.metadata or {}) if "metadata" in sent else KEPT,
        tls=_tls(body.tls) if "tls" in sent else KEPT,
    )


def own_secret(body: object) -> str | None:
    """The customer's own, under the brands whose model has such a member."""
    secret = getattr(body, "secret", None)
    assert secret is None or isinstance(secret, str)
    return secret


def refused(error: FieldInvalid, brand: Brand) -> Refusal:
    """Refused fields by the names that their customer wrote: 422."""
    return refusal(*in_requests(error.wrong, brand))


def in_requests(wrong: Sequence[Wrong], brand: Brand) -> list[Wrong]:
    """The same by the names that their customer wrote."""
    return [replace(each, field=_in_request(brand, each.field)) for each in wrong]


def _in_request(brand: Brand, field: str) -> str:
    """The name in this brand's requests. What stands behind the first dot is inside the field."""
    name, dot, inside = field.partition(".")
    listed = brand.api.list_field
    own = {"event_types": listed, "event_type": listed.removesuffix("s")}
    written = own.get(name) or _IN_REQUESTS.get(name, name)
    return written + dot + inside


def _tls(sent: WebhookTlsInput | None) -> TlsWish | None:
    if sent is None:
        return None
    return TlsWish(certificate=sent.certificate or "", key=sent.key or "", authorities=sent.authorities or "")


def _chosen(status: str | None) -> Literal[Status.ACTIVE, Status.PAUSED] | None:
    """The model lets these two through."""
    return None if status is None else cast("Literal[Status.ACTIVE, Status.PAUSED]", Status(status))


def _event_types(body: WebhookInput) -> tuple[str, ...] | None:
    """The brand's own model has them: see `brand_models`."""
    chosen = getattr(body, "event_types", None)
    return None if chosen is None else tuple(chosen)


def _filter_json(body: WebhookInput, faults: Faults) -> str | None:
    if body.filter is None:
        return None
    try:
        return msgspec.json.encode(body.filter).decode()
    except (RecursionError, OverflowError):
        message = "is nested too deep, or has a number with too many digits"
        faults.add(*invalid("filter", Code.NOT_A_FILTER, message).wrong)
        return None
