"""Views for templates, filled with any text: made by their types, so a new field is filled too."""

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec

from consumer.console.front import SignInView
from consumer.console.opening import OpenView
from consumer.console.page import ConsoleView
from consumer.portal import rendering
from consumer.portal.activity import Activity
from consumer.portal.attempt_page import AttemptView
from consumer.portal.catalogue_page import Catalogue, TypeView
from consumer.portal.changing import Question
from consumer.portal.creating import SecretShown
from consumer.portal.delivery_page import DeliveryView
from consumer.portal.entering import Enter
from consumer.portal.failed_page import FailedList
from consumer.portal.form_page import WebhookForm
from consumer.portal.jobs_page import JobList, JobPage
from consumer.portal.keys_page import Keys, KeyShown, RevokeQuestion
from consumer.portal.log_live import Newer
from consumer.portal.log_page import Log
from consumer.portal.own_tls import OwnTls
from consumer.portal.refused import Plain, Refused
from consumer.portal.sending_page import SendingView
from consumer.portal.sending_selected import SentView
from consumer.portal.testing import TestView
from consumer.portal.verifying import Verifying
from consumer.portal.webhook_list import WebhookList
from consumer.portal.webhook_page import WebhookView

VIEWS: Final[Mapping[str, type]] = {
    "activity.html": Activity,
    "attempt.html": AttemptView,
    "console.html": ConsoleView,
    "console_open.html": OpenView,
    "console_sign_in.html": SignInView,
    "delete.html": Question,
    "delivery.html": DeliveryView,
    "enter.html": Enter,
    "event_type.html": TypeView,
    "event_types.html": Catalogue,
    "failed.html": FailedList,
    "job.html": JobPage,
    "jobs.html": JobList,
    "key.html": KeyShown,
    "keys.html": Keys,
    "log.html": Log,
    "newer.html": Newer,
    "plain.html": Plain,
    "refused.html": Refused,
    "revoke.html": RevokeQuestion,
    "rotate.html": Question,
    "secret.html": SecretShown,
    "sending.html": SendingView,
    "sent.html": SentView,
    "test.html": TestView,
    "tls.html": OwnTls,
    "verify.html": Verifying,
    "webhook.html": WebhookView,
    "webhook_form.html": WebhookForm,
    "webhooks.html": WebhookList,
}
"""By template. What is in none of them is part of others."""

CHOICES: Final[Mapping[tuple[str, str], str]] = {
    ("Pill", "key"): "status.active",
    ("Phase", "key"): "timing.dns",
    ("Wrong", "key"): "wrong.failing",
    ("Refused", "key"): "refused.nothing",
    ("Chip", "key"): "send.span.hour",
    ("Count", "key"): "job.sent",
    ("JobView", "kind"): "job.kind.recover",
    ("JobRow", "kind"): "job.kind.recover",
    ("SignInView", "wrong"): "console.wrong",
    ("Sent", "key"): "selected.gone",
    ("SendingView", "inactive"): "send.inactive.paused",
    ("SendingView", "hindered"): "hindered.same_job",
    ("DeliveryView", "inactive"): "delivery.inactive.paused",
    ("Result", "hindered"): "hindered.already_delivered",
    ("Result", "again_key"): "delivery.again_all_the_same",
    ("Plain", "key"): "refused.timed_out",
    ("Tab", "key"): "nav.log",
    ("SettingsView", "payload"): "payload.raw",
    ("SettingsView", "signing"): "signing.hex",
    ("SettingsView", "retries"): "retries.none",
    ("SettingsView", "on_failure"): "on_failure.block",
    ("FailedRow", "reason"): "reason.gone",
    ("DeliveryView", "status_word"): "failed",
    ("Explanation", "received"): "maybe",
    ("Checking", "signing"): "signing.hex",
    ("Signature", "profile"): "hex",
    ("Signature", "signed_with"): "both",
    ("Frame", "theme"): "dark",
    ("Plain", "theme"): "dark",
    ("Frame", "times"): "utc",
    ("Frame", "notice"): "done.saved",
}
"""Fields whose values we choose: the rest of the texts may be anything."""


def view_of(kind: type, text: str, *, full: bool) -> Any:  # noqa: ANN401 # any view
    """A view whose every text is this one; `full`: with all that may be there, else with as little as there may be."""
    names = (
        [each.name for each in fields(kind)]
        if is_dataclass(kind)
        else [each.name for each in msgspec.structs.fields(kind)]
    )
    hints = get_type_hints(kind)
    return kind(**{name: CHOICES.get((kind.__name__, name)) or _value(hints[name], text, full=full) for name in names})


def _value(kind: Any, text: str, *, full: bool) -> Any:  # noqa: ANN401, PLR0911 # a type, and a value of it
    origin, args = get_origin(kind), get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return _value(args[0], text, full=full) if full else None
    if origin in {tuple, list}:
        if origin is tuple and Ellipsis not in args:
            return tuple(_value(each, text, full=full) for each in args)
        return origin([_value(args[0], text, full=full)] * (2 if full else 0))
    if origin is dict:
        return {text: text} if full else {}
    if kind is str:
        return text
    if kind is bool:
        return full
    if kind in {int, float}:
        return 7 if full else 0
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    return view_of(kind, text, full=full)


def html_of(template: str, text: str, *, full: bool) -> str:
    """The template, filled."""
    frame = view_of(rendering.Frame, text, full=full)
    return rendering.render(template, frame=frame, view=view_of(VIEWS[template], text, full=full), title=text)
