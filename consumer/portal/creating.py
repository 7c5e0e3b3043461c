"""A new webhook, and its secret, which is shown once."""

from dataclasses import dataclass

from starlette.background import BackgroundTask
from starlette.responses import Response

from consumer.api.creation_test import send_first_test
from consumer.control.work import Work
from consumer.kafka.client import KafkaBroken
from consumer.portal.answering import Done, page
from consumer.portal.faults import by_field
from consumer.portal.form_page import form_page
from consumer.portal.names import Named, named
from consumer.portal.preview import Preview, preview
from consumer.portal.testing import Result, result_of
from consumer.portal.times import Moment, moment
from consumer.portal.verifying import Checking, checking_of
from consumer.portal.visit import Visit
from consumer.portal.webhook_form import Filled, blank, filled, said_of, wishes_of
from consumer.portal.words import words
from consumer.shares import Busy
from consumer.webhooks.secrets import public_key
from consumer.webhooks.subscription import SigningProfile, Subscription
from consumer.webhooks.wrong import Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretShown:
    """`secret` of None: it was shown before. `former_until`: the one before it signs beside it until then.

    `tested` is what came of the test event that the brand sends to a new webhook.
    """

    named: Named
    secret: str | None
    public: bool
    former_until: Moment | None
    webhook_url: str
    test_url: str
    rotate_url: str
    tested: Result | None
    checking: Checking


def show(visit: Visit) -> Response:
    """The form, empty."""
    form = blank(visit.brand)
    return form_page(visit, form, preview=_preview(visit, form))


def drafted(visit: Visit) -> Response:
    """The form as it is filled in, with what would be sent."""
    form, faults = filled(visit.form), Faults()
    wishes = wishes_of(form, visit.owner, visit.brand, visit.session.grant.product, faults)
    faults.looked(lambda: visit.services.plane.webhooks.check(visit.owner, wishes))
    return form_page(visit, form, preview=_preview(visit, form), wrong=said_of(form, faults), drafted=True)


def create(visit: Visit, work: Work) -> Done | Response:
    """Make it, and show its secret."""
    form, faults, plane = filled(visit.form), Faults(), visit.services.plane
    wishes = wishes_of(form, visit.owner, visit.brand, visit.session.grant.product, faults)
    faults.looked(lambda: visit.services.check_url(form.url, visit.owner.tenant))
    faults.looked(lambda: plane.webhooks.check(visit.owner, wishes))
    if faults.found:
        return form_page(visit, form, preview=_preview(visit, form), wrong=by_field(faults.found))
    subscription, secret = plane.webhooks.create(visit.owner, wishes, work=work)
    return Done(
        then=f"webhooks/{subscription.id}/secret",
        answer=_made(visit, subscription, secret),
        made=subscription.id,
    )


def _made(visit: Visit, subscription: Subscription, secret: str) -> Response:
    """The page of a new webhook's secret; where the brand sends it a test event, with what came of that."""
    if not visit.brand.api.test_on_creation:
        return secret_page(visit, subscription, secret)
    plane = visit.services.plane
    try:
        return secret_page(visit, subscription, secret, result_of(visit, plane.try_out(subscription)))
    except KafkaBroken:  # it was sent, and is not in the log: the secret is shown all the same
        return secret_page(visit, subscription, secret)
    except Busy:
        answer = secret_page(visit, subscription, secret)
        answer.background = BackgroundTask(send_first_test, plane, subscription)
        return answer


def shown_before(visit: Visit) -> Response:
    """What is left of the page of a secret."""
    return secret_page(visit, visit.webhook(visit.params["webhook"]), None)


def secret_page(visit: Visit, subscription: Subscription, secret: str | None, tested: Result | None = None) -> Response:
    """The page of a secret that was just made."""
    base, public = f"webhooks/{subscription.id}", subscription.signing is SigningProfile.ED25519
    until_ms = max((each.until_ms for each in subscription.former_secrets), default=0)
    view = SecretShown(
        named=named(subscription),
        secret=public_key(secret) if public and secret is not None else secret,
        public=public,
        former_until=moment(until_ms, visit.now_ms) if until_ms > visit.now_ms else None,
        webhook_url=visit.url(base),
        test_url=visit.url(f"{base}/test"),
        rotate_url=visit.url(f"{base}/rotate"),
        tested=tested,
        checking=checking_of(subscription, visit.brand),
    )
    return page(visit, "secret.html", view, title=words().say("secret.title"), tab="webhooks")


def _preview(visit: Visit, form: Filled) -> Preview | None:
    plane, faults = visit.services.plane, Faults()
    wishes = wishes_of(form, visit.owner, visit.brand, None, faults)
    if faults.found:
        return None
    return preview(
        wishes,
        form.sample,
        visit.brand,
        plane.keyring,
        now_ms=visit.now_ms,
        allow_http=plane.settings.allow_http,
    )
