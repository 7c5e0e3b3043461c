"""TLS of a webhook's own: its client certificate with the key, and its authorities, each given and removed by itself.

The law: a key that was given is never shown again, not even in the form that it was refused in.
"""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api.problem import Refusal
from consumer.control.work import Work
from consumer.portal.answering import Done, page
from consumer.portal.faults import by_field
from consumer.portal.names import Named, named
from consumer.portal.times import Moment, moment
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.webhooks.certificates_told import ToldCertificate, told
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.tls import AUTHORITIES, CERTIFICATE, TlsWish, open_tls
from consumer.webhooks.wishes import Changes
from consumer.webhooks.wrong import Code, Faults, FieldInvalid, invalid

_IDENTITY: Final = "identity"
_PARTS: Final = frozenset({_IDENTITY, "authorities"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A certificate that it has. `subject` is "" where it says none."""

    subject: str
    ends: Moment
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTls:
    """The page. What was typed is there again when it was refused, but for the key."""

    named: Named
    action: str
    cancel_url: str
    revision: str
    certificate: Held | None
    sha256: str
    authorities: tuple[Held, ...]
    typed_certificate: str
    typed_authorities: str
    wrong: dict[str, str]


def show(visit: Visit) -> Response:
    """What it has, and the forms."""
    return _page(visit, _editable(visit), {})


def change(visit: Visit, work: Work) -> Done | Response:
    """Give it one of the two in place of what it had, or remove that."""
    subscription, form, faults = _editable(visit), visit.form, Faults()
    part = form.get("part")
    if part not in _PARTS:
        raise Refusal(HTTPStatus.BAD_REQUEST, "the form lacks a part of it: open it again")
    webhooks = visit.services.plane.webhooks
    was = open_tls(subscription, visit.services.plane.keyring) or TlsWish()
    wish = _wish(visit, was, part, faults)
    changes = Changes(tls=None if wish == TlsWish() else wish)
    faults.looked(lambda: webhooks.check_changes(visit.owner, subscription.id, changes))
    if faults.found:
        return _page(visit, subscription, by_field(faults.found, within="tls."))
    revision = form.get("revision")
    revisions = [int(revision)] if revision.isascii() and revision.isdecimal() else None
    try:
        webhooks.update(visit.owner, subscription.id, changes, if_match=revisions, work=work)
    except FieldInvalid as error:  # it has ended
        return _page(visit, subscription, by_field(error.wrong, within="tls."))
    return Done(then=f"webhooks/{subscription.id}/tls", notice="saved")


def _wish(visit: Visit, was: TlsWish, part: str, faults: Faults) -> TlsWish:
    """What it is to have: the other part stays."""
    form, removed = visit.form, "remove" in visit.form
    if part == _IDENTITY:
        certificate, key = ("", "") if removed else (form.get("certificate"), form.get("key"))
        if not removed and not certificate and not key:
            faults.add(*invalid(CERTIFICATE, Code.MISSING, "paste the certificate, and its key").wrong)
        return replace(was, certificate=certificate, key=key)
    authorities = "" if removed else form.get("authorities")
    if not removed and not authorities:
        faults.add(*invalid(AUTHORITIES, Code.MISSING, "paste at least one certificate").wrong)
    return replace(was, authorities=authorities)


def _editable(visit: Visit) -> Subscription:
    if not visit.brand.api.editable:
        raise Refusal(HTTPStatus.NOT_FOUND, "webhooks cannot be changed here")
    return visit.webhook(visit.params["webhook"])


def _page(visit: Visit, subscription: Subscription, wrong: dict[str, str]) -> Response:
    has = open_tls(subscription, visit.services.plane.keyring) or TlsWish()
    certificates = told(has.certificate)
    base = f"webhooks/{subscription.id}"
    view = OwnTls(
        named=named(subscription),
        action=visit.url(f"{base}/tls"),
        cancel_url=visit.url(base),
        revision=str(subscription.revision),
        certificate=_held(certificates[0], visit.now_ms) if certificates else None,
        sha256=subscription.tls.certificate_sha256 if subscription.tls is not None else "",
        authorities=tuple(_held(each, visit.now_ms) for each in told(has.authorities)),
        typed_certificate=visit.form.get("certificate") if wrong else "",
        typed_authorities=visit.form.get("authorities") if wrong else "",
        wrong=wrong,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return page(visit, "tls.html", view, title=words().say("tls.title"), tab="webhooks", status=status)


def _held(each: ToldCertificate, now_ms: int) -> Held:
    return Held(subject=each.subject, ends=moment(each.until_ms, now_ms), ended=each.until_ms <= now_ms)
