"""The words stand in one file: all that are asked for are there, all that are there are asked for."""

import re
from pathlib import Path

import pytest

from consumer.api.job_refusals import Hindrance
from consumer.delivery.outcome import DeathReason
from consumer.jobs.job import Kind, Skip, State
from consumer.log.resource import FAILURES
from consumer.portal.pages import ROUTES
from consumer.portal.words import Words, words
from consumer.replay.plan import SkipReason

PORTAL = Path(__file__).parents[3] / "consumer" / "portal"
TEMPLATES = sorted((PORTAL / "templates").glob("*.html"))
SOURCES = [*TEMPLATES, *PORTAL.glob("*.py"), *(PORTAL.parent / "console").glob("*.py")]
FAMILIES = {
    "keys.", "health.", "refused.", "reason.", "payload.", "signing.", "retries.", "log.codes.", "look.", "done.",
    "received.", "wrong.", "delivery.", "ended.", "test.", "signature.", "body.download.", "status.", "nav.",
    "activity.did.", "hindered.", "skip.", "send.", "job.", "selected.",
    "api_keys.days.", "scope.", "stopped.", "on_failure.", "verify.",
}  # fmt: skip
"""Of these a part of the key is made where it is used."""


def test_every_text_that_is_named_is_there() -> None:
    known = words().texts
    stems = {key.removesuffix(".one").removesuffix(".other") for key in known} | known.keys()
    for path in SOURCES:
        named = re.findall(r"(?:\bt|say)\('?\"?([a-z_]+(?:\.[a-z_0-9]+)*)['\"]\s*[,)]", path.read_text("utf-8"))
        assert [each for each in named if each not in stems] == [], path.name


def test_every_text_is_used() -> None:
    written = "\n".join(path.read_text("utf-8") for path in SOURCES)
    unused = [
        key
        for key in words().texts
        if f"'{key.removesuffix('.one').removesuffix('.other')}'" not in written
        and f'"{key.removesuffix(".one").removesuffix(".other")}"' not in written
        and not any(key.startswith(family) for family in FAMILIES)
    ]
    assert unused == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_words(path: Path) -> None:
    text = re.sub(
        r"\{[%#].*?[%#]\}|\{\{.*?\}\}|<!.*?>|<[^<>]*?>", " ", _without_calls(path.read_text("utf-8")), flags=re.DOTALL
    )
    attributes = re.sub(r'[a-z-]+="[^"]*"?', "", text)  # those that a macro writes
    assert re.findall(r"[A-Za-z]{2,}", attributes) == []


def _without_calls(text: str) -> str:
    """Attributes hold expressions with `>` in them: those first."""
    return re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)


def test_every_reason_has_its_words() -> None:
    assert [each for each in [*FAILURES, *DeathReason] if f"reason.{each}" not in words()] == []


def test_all_that_stands_in_the_way_of_sending_again_has_its_words() -> None:
    skipped = {*Skip, *SkipReason} - {SkipReason.DELETED, SkipReason.PAUSED, SkipReason.SUSPENDED}
    wanted = [*(f"hindered.{each}" for each in Hindrance), *(f"skip.{each}" for each in skipped)]
    wanted += [f"job.state.{each}" for each in State] + [f"job.kind.{each}" for each in Kind]
    assert [key for key in wanted if key not in words()] == []


def test_all_that_is_done_to_a_webhook_has_its_words() -> None:
    deeds = {route.deed for route in ROUTES if route.deed and route.path.startswith("webhooks/")}
    ours = deeds - {"resendDelivery"}  # is done to a delivery
    assert [each for each in sorted(ours) if f"activity.did.{each}" not in words()] == []


def test_plurals_and_values() -> None:
    texts = {"n.one": "{n} row", "n.other": "{n} rows", "who": "by {who}", "numbers.thousands": ","}
    said = Words("en", texts)
    assert (said.say("n", n=1), said.say("n", n=1_200)) == ("1 row", "1,200 rows")
    assert said.say("who", who="<b>\x1b") == "by &lt;b&gt;␛"
    with pytest.raises(KeyError):
        said.say("nothing")
