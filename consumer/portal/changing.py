"""What is done with a webhook: changed, paused, resumed, given a new secret, deleted."""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api.problem import Refusal
from consumer.control.work import Work
from consumer.portal.answering import Done, page
from consumer.portal.creating import secret_page
from consumer.portal.faults import by_field
from consumer.portal.form_page import form_page
from consumer.portal.names import Named, named
from consumer.portal.preview import Preview, preview
from consumer.portal.visit import Visit
from consumer.portal.webhook_form import Filled, changes_of, filled, of_webhook, said_of, wishes_of
from consumer.portal.words import words
from consumer.webhooks.secrets import OVERLAPPING
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wrong import Code, Faults, FieldInvalid, invalid

_HOUR_MS: Final = 3_600_000
_USUAL_HOURS: Final = "24"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A page that asks before something is done."""

    named: Named
    action: str
    cancel_url: str
    hours: str | None
    own_secret: bool
    wrong: dict[str, str]


# ── change ───────────────────────────────────────────────────────────────────────────────────────────────────────


def show_edit(visit: Visit) -> Response:
    """The form, as the webhook is."""
    subscription = _editable(visit)
    form = of_webhook(subscription, visit.brand)
    return form_page(visit, form, webhook_id=subscription.id, preview=_preview(visit, form))


def drafted(visit: Visit) -> Response:
    """The form as it is filled in, with what would be sent."""
    subscription, form, faults = _editable(visit), filled(visit.form), Faults()
    changes = changes_of(form, visit.brand, faults)
    faults.looked(lambda: visit.services.plane.webhooks.check_changes(visit.owner, subscription.id, changes))
    preview_, wrong = _preview(visit, form), said_of(form, faults)
    return form_page(visit, form, webhook_id=subscription.id, preview=preview_, wrong=wrong, drafted=True)


def edit(visit: Visit, work: Work) -> Done | Response:
    """Change it."""
    subscription, form, faults = _editable(visit), filled(visit.form), Faults()
    webhooks = visit.services.plane.webhooks
    changes = changes_of(form, visit.brand, faults)
    if form.url != subscription.url:
        faults.looked(lambda: visit.services.check_url(form.url, visit.owner.tenant))
    faults.looked(lambda: webhooks.check_changes(visit.owner, subscription.id, changes))
    if faults.found:
        preview_ = _preview(visit, form)
        return form_page(visit, form, webhook_id=subscription.id, preview=preview_, wrong=by_field(faults.found))
    revisions = [int(form.revision)] if form.revision.isascii() and form.revision.isdecimal() else None
    updated = webhooks.update(visit.owner, subscription.id, changes, if_match=revisions, work=work)
    notice = "saved_without_headers" if updated.cleared_headers else "saved"
    return Done(then=f"webhooks/{subscription.id}", notice=notice)


def _editable(visit: Visit) -> Subscription:
    if not visit.brand.api.editable:
        raise Refusal(HTTPStatus.NOT_FOUND, "webhooks cannot be changed here")
    return visit.webhook(visit.params["webhook"])


def _preview(visit: Visit, form: Filled) -> Preview | None:
    plane, faults = visit.services.plane, Faults()
    wishes = wishes_of(form, visit.owner, visit.brand, None, faults)
    if faults.found:
        return None
    return preview(
        # A value that is kept is not known here.
        replace(wishes, headers={}),
        form.sample,
        visit.brand,
        plane.keyring,
        now_ms=visit.now_ms,
        allow_http=plane.settings.allow_http,
    )


# ── status ───────────────────────────────────────────────────────────────────────────────────────────────────────


def pause(visit: Visit, work: Work) -> Done:
    """Send it nothing until it is resumed."""
    subscription = visit.webhook(visit.params["webhook"])
    visit.services.plane.webhooks.pause(visit.owner, subscription.id, work=work)
    return Done(then=f"webhooks/{subscription.id}", notice="paused")


def resume(visit: Visit, work: Work) -> Done:
    """Send to it again."""
    subscription = visit.webhook(visit.params["webhook"])
    visit.services.plane.webhooks.resume(visit.owner, subscription.id, work=work)
    return Done(then=f"webhooks/{subscription.id}", notice="resumed")


# ── secret ───────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_rotate(visit: Visit) -> Response:
    """Ask first."""
    return _rotate_page(visit, visit.webhook(visit.params["webhook"]), _USUAL_HOURS, {})


def rotate(visit: Visit, work: Work) -> Done | Response:
    """Give it a new secret, and show that."""
    subscription = visit.webhook(visit.params["webhook"])
    hours, secret = visit.form.get("hours", _USUAL_HOURS), visit.form.get("secret")
    overlaps = subscription.signing in OVERLAPPING
    faults = Faults()
    if overlaps and not (hours.isascii() and hours.isdecimal()):
        faults.add(*invalid("overlap_seconds", Code.WRONG_TYPE, "must be a whole number of hours").wrong)
    if faults.found:
        return _rotate_page(visit, subscription, hours, by_field(faults.found))
    try:
        rotated, made = visit.services.plane.webhooks.rotate(
            visit.owner,
            subscription.id,
            secret=secret if secret and visit.brand.api.own_secret else None,
            overlap_ms=int(hours[:6]) * _HOUR_MS if overlaps else None,
            work=work,
        )
    except FieldInvalid as error:
        return _rotate_page(visit, subscription, hours, by_field(error.wrong))
    return Done(then=f"webhooks/{rotated.id}/secret", answer=secret_page(visit, rotated, made))


def _rotate_page(visit: Visit, subscription: Subscription, hours: str, wrong: dict[str, str]) -> Response:
    overlaps = subscription.signing in OVERLAPPING
    view = _question(visit, subscription, "rotate", hours=hours if overlaps else None, wrong=wrong)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return page(visit, "rotate.html", view, title=words().say("rotate.title"), tab="webhooks", status=status)


# ── end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_delete(visit: Visit) -> Response:
    """Ask first."""
    view = _question(visit, visit.webhook(visit.params["webhook"]), "delete")
    return page(visit, "delete.html", view, title=words().say("delete.title"), tab="webhooks")


def delete(visit: Visit, work: Work) -> Done:
    """End it."""
    subscription = visit.webhook(visit.params["webhook"])
    visit.services.plane.webhooks.delete(visit.owner, subscription.id, work=work)
    return Done(then="webhooks", notice="deleted")


def _question(
    visit: Visit,
    subscription: Subscription,
    action: str,
    *,
    hours: str | None = None,
    wrong: dict[str, str] | None = None,
) -> Question:
    base = f"webhooks/{subscription.id}"
    return Question(
        named=named(subscription),
        action=visit.url(f"{base}/{action}"),
        cancel_url=visit.url(base),
        hours=hours,
        own_secret=visit.brand.api.own_secret,
        wrong=wrong or {},
    )
