"""What the pages of a brand call things: the usual words, and its own names in the places that they are for.

The law: a brand's name stands wherever its usual name would, and a page of a brand that tries once does not talk of
tries.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from consumer.brands.brand import Brand, Retries
from consumer.portal.words import Words, language

PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "new_webhook": ("webhooks.new", "form.new"),
    "endpoint_url": ("field.url",),
    "event_types": ("field.event_types",),
    "create_webhook": ("form.create",),
    "change_event_types": ("webhook.types",),
    "send_a_test_event": ("test.title", "wrong.test"),
    "send_test_event": ("test.send",),
    "log": ("nav.log", "log.title", "keys.log.does"),
    "answer": ("log.answer", "log.column.answer"),
    "send_again": ("delivery.again", "send.replay", "selected.title", "job.kind.resend", "job.kind.replay"),
    "failures_in_a_row": ("health.in_a_row",),
}
"""Where each name of `consumer/brands/pages.py: WordsTable` stands."""

_ONCE: Final[Mapping[str, str]] = {
    "delivery.delivered.one": "delivery.once.delivered",
    "delivery.took.one": "delivery.once.took",
    "delivery.failed.one": "delivery.once.failed",
    "failed.none_text": "failed.once_none_text",
}
_TRIES: Final = ("log.column.tries",)


def words_of(brand: Brand, name: str) -> Words:
    """The words of a brand in a language."""
    return _words(tuple(sorted(brand.words.items())), brand.retries is Retries.NONE, name)


@cache
def _words(own: tuple[tuple[str, str], ...], once: bool, name: str) -> Words:  # what it is cached by
    usual = language(name).texts
    texts = dict(usual)
    for each, called in own:
        texts |= dict.fromkeys(PLACES[each], called.replace("{", "{{").replace("}", "}}"))
    if once:
        texts |= {key: usual[instead] for key, instead in _ONCE.items()}
        for key in _TRIES:
            del texts[key]
    return Words(name, texts)
