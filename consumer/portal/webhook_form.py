"""The form of a webhook, filled in: what it says, and what may be made of that. Pure.

The law: what was typed is never lost. A form that is refused comes back as it was, with what is wrong at each field.
"""

from dataclasses import dataclass, field
from typing import Final

from consumer.brands.brand import Brand, PayloadFormat, SigningProfile
from consumer.control.owner import Owner
from consumer.portal.faults import by_field
from consumer.portal.visit import Fields
from consumer.webhooks.ordering import NONE
from consumer.webhooks.placeholders import HIDDEN
from consumer.webhooks.subscription import OnFailure, Subscription
from consumer.webhooks.wishes import KEPT, Changes, Wishes
from consumer.webhooks.wrong import Code, Faults, invalid

_OWN: Final = "own"
_BLANK: Final = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What the fields hold, as texts. `types` are those chosen of the catalogue, `others` what was typed besides."""

    url: str = ""
    name: str = ""
    description: str = ""
    every: bool = True
    types: tuple[str, ...] = ()
    others: str = ""
    own: bool = False
    secret: str = field(default="", repr=False)
    timeout_s: str = ""
    filter: str = ""
    payload: str = ""
    signing: str = ""
    rate: str = ""
    concurrency: str = ""
    ordering: str = ""
    stops: bool = False
    headers: tuple[tuple[str, str], ...] = (_BLANK,)
    sample: str = ""
    revision: str = ""


def blank(brand: Brand) -> Filled:
    """Of a new webhook."""
    return Filled(
        timeout_s=f"{brand.timeout_ms / 1_000:g}",
        payload=brand.payload_format,
        signing=brand.signing,
        sample=brand.catalogue[0].type,
    )


def of_webhook(subscription: Subscription, brand: Brand) -> Filled:
    """As the webhook is."""
    known = {each.type for each in brand.catalogue}
    chosen = [each for each in subscription.event_types if each != "*"]
    rate = subscription.rate_per_s
    headers = tuple((name, HIDDEN) for name in subscription.header_names)
    return Filled(
        url=subscription.url,
        name=subscription.name,
        description=subscription.description,
        every=not chosen,
        types=tuple(each for each in chosen if each in known),
        others="\n".join(each for each in chosen if each not in known),
        timeout_s=f"{subscription.timeout_ms / 1_000:g}",
        filter=subscription.filter_json or "",
        payload=subscription.payload_format,
        signing=subscription.signing,
        rate="" if rate is None else f"{rate:g}",
        concurrency="" if subscription.max_concurrency is None else str(subscription.max_concurrency),
        ordering="" if subscription.ordering == NONE else subscription.ordering,
        stops=subscription.on_failure is OnFailure.BLOCK,
        headers=(*headers, _BLANK),
        sample=next((each for each in chosen if each in known), brand.catalogue[0].type),
        revision=str(subscription.revision),
    )


def filled(form: Fields) -> Filled:
    """As it was sent."""
    names, values = ([value for key, value in form.pairs if key == each] for each in ("header_name", "header_value"))
    headers = [pair for pair in zip(names, values, strict=False) if pair != _BLANK]
    return Filled(
        url=form.get("url"),
        name=form.get("name"),
        description=form.raw("description").replace("\r\n", "\n").strip(),
        every="every" in form and not (form.get("was_every") and _chosen(form)),
        types=tuple(form.all("type")),
        others=form.raw("others").strip(),
        own=form.get("own") == _OWN,
        secret=form.get("secret"),
        timeout_s=form.get("timeout_s"),
        filter=form.raw("filter").strip(),
        payload=form.get("payload"),
        signing=form.get("signing"),
        rate=form.get("rate"),
        concurrency=form.get("concurrency"),
        ordering=form.get("ordering"),
        stops="stops" in form,
        headers=(*headers, _BLANK),
        sample=form.get("sample"),
        revision=form.get("revision"),
    )


def _chosen(form: Fields) -> bool:
    """Whether types were chosen. Where all were ticked from the start, whoever chooses some means those."""
    return bool(form.all("type") or form.get("others"))


def wishes_of(form: Filled, owner: Owner, brand: Brand, product: str | None, faults: Faults) -> Wishes:
    """What a new webhook is to be. What is no number, or none of a choice, is a fault."""
    own = form.own and brand.api.own_secret
    if own and not form.secret:
        faults.add(*invalid("secret", Code.EMPTY, "is empty: write it, or let one be made").wrong)
    return Wishes(
        tenant=owner.tenant,
        brand=owner.brand,
        url=form.url,
        event_types=_types(form, faults),
        product=product,
        name=form.name,
        description=form.description,
        signing=_signing(form, faults),
        payload_format=_payload(form, faults),
        secret=form.secret if own and form.secret else None,
        timeout_ms=_timeout_ms(form, faults),
        headers=_headers(form, faults),
        filter_json=form.filter or None,
        rate_per_s=_number("rate_per_s", form.rate, faults),
        max_concurrency=_whole("max_concurrency", form.concurrency, faults),
        ordering=form.ordering or NONE,
        on_failure=_on_failure(form),
    )


def changes_of(form: Filled, brand: Brand, faults: Faults) -> Changes:
    """What becomes of a webhook. Fields that the form does not have stay."""
    timeout_ms = _timeout_ms(form, faults)
    return Changes(
        url=form.url,
        event_types=_types(form, faults),
        name=form.name,
        description=form.description,
        payload_format=_payload(form, faults) or brand.payload_format,
        timeout_ms=KEPT if timeout_ms is None else timeout_ms,
        headers=_headers(form, faults),
        filter_json=form.filter or None,
        rate_per_s=_number("rate_per_s", form.rate, faults),
        max_concurrency=_whole("max_concurrency", form.concurrency, faults),
        ordering=form.ordering or NONE,
        on_failure=_on_failure(form),
    )


def _on_failure(form: Filled) -> OnFailure:
    return OnFailure.BLOCK if form.stops else OnFailure.DEAD_LETTER


def _types(form: Filled, faults: Faults) -> tuple[str, ...] | None:
    if form.every:
        return None
    chosen = (*form.types, *(each for each in form.others.replace(",", "\n").splitlines() if each.strip()))
    if not chosen:
        faults.add(*invalid("event_types", Code.EMPTY, "choose one at least, or all").wrong)
        return None
    return tuple(each.strip() for each in chosen)


def _timeout_ms(form: Filled, faults: Faults) -> int | None:
    seconds = _number("timeout_ms", form.timeout_s, faults)
    return None if seconds is None else round(min(seconds, 1e6) * 1_000)


def _number(field_: str, text: str, faults: Faults) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        faults.add(*invalid(field_, Code.WRONG_TYPE, "must be a number").wrong)
        return None


def _whole(field_: str, text: str, faults: Faults) -> int | None:
    number = _number(field_, text, faults)
    if number is not None and (number != number or number in {float("inf"), float("-inf")} or number % 1):  # noqa: PLR0124 # NaN
        faults.add(*invalid(field_, Code.WRONG_TYPE, "must be a whole number").wrong)
        return None
    return None if number is None else int(number)


def _headers(form: Filled, faults: Faults) -> dict[str, str]:
    pairs = [(name.strip(), value) for name, value in form.headers if name.strip() or value]
    if len({name for name, _ in pairs}) < len(pairs):
        faults.add(*invalid("headers", Code.DUPLICATE, "name one header twice").wrong)
    return dict(pairs)


def _payload(form: Filled, faults: Faults) -> PayloadFormat | None:
    if not form.payload:
        return None
    if form.payload not in {*PayloadFormat}:
        faults.add(*invalid("payload_format", Code.NOT_A_CHOICE, "choose one of the list").wrong)
        return None
    return PayloadFormat(form.payload)


def _signing(form: Filled, faults: Faults) -> SigningProfile | None:
    if not form.signing:
        return None
    if form.signing not in {*SigningProfile}:
        faults.add(*invalid("signing", Code.NOT_A_CHOICE, "choose one of the list").wrong)
        return None
    return SigningProfile(form.signing)


def said_of(form: Filled, faults: Faults) -> dict[str, str]:
    """What is wrong with what was filled in so far: nothing is said of an address that is still to come."""
    found = by_field(faults.found)
    return found if form.url else {name: message for name, message in found.items() if name != "url"}
