"""The form of a webhook on its page: for a new one, and to change one."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.brands.brand import PayloadFormat, SigningProfile
from consumer.portal.answering import page
from consumer.portal.log_page import Option
from consumer.portal.preview import Preview
from consumer.portal.visit import Visit
from consumer.portal.webhook_form import Filled
from consumer.portal.words import words

FOUND_FROM: Final = 8
"""From so many event types on there is a box to find one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChoice:
    """An event type that may be chosen."""

    type: str
    description: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookForm:
    """The page. `wrong` are messages by field. `new`: there is no such webhook yet."""

    new: bool
    action: str
    cancel_url: str
    filled: Filled
    types: tuple[TypeChoice, ...]
    find: bool
    open: bool
    own_secret: bool
    payloads: tuple[Option, ...]
    signings: tuple[Option, ...]
    samples: tuple[Option, ...]
    preview: Preview | None
    wrong: dict[str, str]
    more: bool


_MORE: Final = frozenset(
    {"timeout_ms", "filter", "payload_format", "rate_per_s", "max_concurrency", "ordering", "headers", "signing"}
)


def form_page(
    visit: Visit,
    filled: Filled,
    *,
    webhook_id: str | None = None,
    preview: Preview | None = None,
    wrong: dict[str, str] | None = None,
    drafted: bool = False,
) -> Response:
    """The form as it is filled in; 422 where something is wrong with it."""
    brand, say, mistakes = visit.brand, words().say, wrong or {}
    path = "webhooks/new" if webhook_id is None else f"webhooks/{webhook_id}/edit"
    view = WebhookForm(
        new=webhook_id is None,
        action=visit.url(path),
        cancel_url=visit.url("webhooks" if webhook_id is None else f"webhooks/{webhook_id}"),
        filled=filled,
        types=tuple(
            TypeChoice(type=each.type, description=each.description, chosen=each.type in filled.types)
            for each in brand.catalogue
        ),
        find=len(brand.catalogue) >= FOUND_FROM,
        open=brand.closed_catalogue is None,
        own_secret=brand.api.own_secret,
        payloads=tuple(
            Option(value=each, label=say(f"payload.{each}"), chosen=each == filled.payload) for each in PayloadFormat
        ),
        signings=tuple(
            Option(value=each, label=say(f"signing.{each}"), chosen=each == filled.signing) for each in SigningProfile
        ),
        samples=tuple(
            Option(value=each.type, label=each.type, chosen=each.type == filled.sample) for each in brand.catalogue
        ),
        preview=preview,
        wrong=mistakes,
        more=drafted or bool(_MORE & mistakes.keys()),
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else HTTPStatus.OK
    title = say("form.new" if view.new else "form.change")
    return page(visit, "webhook_form.html", view, title=title, tab="webhooks", status=status)
