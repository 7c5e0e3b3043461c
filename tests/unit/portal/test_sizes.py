"""One style sheet and a few modules stay small, and so do pages: log-and-pages' limits."""

import re
from pathlib import Path

import pytest
from msgspec import structs

from consumer.control.keys import Scope
from consumer.jobs.job import Counts, Sampled
from tests.attempts import plain
from tests.memory_api import OWNER
from tests.memory_log import DELIVERY
from tests.memory_portal import MemoryPortal

ASSETS = Path(__file__).parents[3] / "consumer" / "portal" / "assets"
PAGE_MOST = 100_000


def test_the_style_sheet_and_the_scripts_are_small() -> None:
    assert sum(path.stat().st_size for path in ASSETS.glob("*.css")) <= 30_000
    assert sum(path.stat().st_size for path in ASSETS.glob("*.js")) <= 25_000


def test_the_style_sheet_is_read_whole() -> None:
    css = (ASSETS / "pages.css").read_text("utf-8")
    assert css.count("{") == css.count("}")
    assert re.findall("^[<=>|]{2,}.*", css, re.MULTILINE) == [], "left by a merge"


def test_pages_are_small() -> None:
    portal = MemoryPortal()
    client = portal.api.client()
    for number in range(120):
        portal.api.webhook(client, url=f"https://h{number}.example.com/{'x' * 200}", name="n" * 200)
    browser = portal.enter()
    listed = browser.page("webhooks")
    of = listed.find("link")[8].attributes["href"].split("/webhooks/")[-1]
    for number in range(60):
        portal.api.log.add(
            structs.replace(plain, subscription_id=of, event_type="t" * 190, event_id="e" * 200), number=1
        )
        del number
    for number in range(100):
        tried = structs.replace(plain, subscription_id=of, event_type="t" * 190, event_id="e" * 200, number=number + 1)
        portal.api.log.add(structs.replace(tried, status=503, outcome="retry"), delivery_id=DELIVERY)
    sample = (Sampled(event_id="e" * 200, event_type="t" * 190, at_ms=0, delivery=DELIVERY),) * 5
    types = {f"{number}{'t' * 190}": 1 for number in range(20)}
    counts = Counts(matched=30, sent=20, types=types)
    jobs = [portal.api.jobs.put(OWNER, of, sample=sample, counts=counts) for _ in range(21)]
    one = f"webhooks/{of}"
    for path in (
        "webhooks", "log", "webhooks/new", one, f"{one}/test", "failed", "jobs", f"jobs/{jobs[0]}", f"{one}/recover",
        f"{one}/replay", f"{one}/deliveries/{DELIVERY}", "log/newer",
    ):  # fmt: skip
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert len(answer.content) <= PAGE_MOST, path


DEEP = b"[" * 60 + b"0," * 32_000 + b"0" + b"]" * 60
"""Short lines, each far to the right."""


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + b"x" * 900_000 + b'"}', b"\xff" * 900_000, b"&" * 900_000, DEEP, b"'" * 65_536, b"&" * 65_536,
        b"[" + b'"",' * 21_000 + b'""]', b"\xff" * 65_536,
    ],
    ids=lambda body: f"{body[:4]!r} {len(body)}",
)  # fmt: skip
def test_a_large_body_makes_no_large_page(body: bytes) -> None:
    portal = MemoryPortal()
    id_ = portal.api.log.add(structs.replace(plain, request_body=body, response_body=_kept(body)))
    browser = portal.enter()
    answer = browser.get(f"attempts/{id_}")
    assert len(answer.content) <= 500_000
    assert browser.get(f"attempts/{id_}/request-body").content == body


def _kept(body: bytes) -> bytes:
    """Of an answer: what is JSON stays so."""
    return body[:16_384] if body is not DEEP else b"[" * 60 + b"0," * 8_000 + b"0" + b"]" * 60


def test_headers_as_large_as_they_come_make_no_large_page() -> None:
    portal = MemoryPortal()
    lines = {"many": (("x", "&" * 28),) * 2_000, "long": (("x-evil", "&" * 65_000),), "empty": (("x", ""),) * 2_000}
    browser = portal.enter()
    for name, headers in lines.items():
        sent = structs.replace(plain, request_body=b"&" * 65_536, response_body=b"&" * 16_384)
        id_ = portal.api.log.add(structs.replace(sent, response_headers=headers))
        answer = browser.get(f"attempts/{id_}")
        assert len(answer.content) <= 500_000, name
        assert answer.text.count("Only the first headers are shown") == 1, name
    few = portal.api.log.add(structs.replace(plain, response_headers=(("server", "nginx"),)))
    assert "Only the first headers" not in browser.get(f"attempts/{few}").text


def test_a_webhook_with_all_that_it_may_have_makes_no_large_page() -> None:
    portal = MemoryPortal()
    types = [f"{number:03}.{'t' * 180}" for number in range(200)]
    of = portal.api.webhook(
        portal.api.client(*Scope), url=f"https://example.com/{'x' * 2_000}", name="n" * 256, description="d" * 2_048,
        topics=types, filter={"a": ["f" * 8_100]}, metadata={f"{number}": "m" * 90 for number in range(20)},
        uid="u" * 128, requestConfig={"headers": {f"x-{number}": "v" * 800 for number in range(10)}},
    )["id"]  # fmt: skip
    for _ in range(10):
        portal.api.log.add(
            structs.replace(plain, subscription_id=of, event_type="&" * 190, event_id="&" * 200, status=503), number=2
        )
    browser = portal.enter(*Scope)
    for path in ("", "/edit", "/delete", "/test", "/recover", "/replay", "/rotate", "/activity", "/verify"):
        answer = browser.get(f"webhooks/{of}{path}")
        assert answer.status_code == 200, path
        assert len(answer.content) <= PAGE_MOST, path


VARIABLE = re.compile(r"--([a-z-]+): (#[0-9a-f]{3,6})")
TEXTS = {
    "text": ("bg", "surface", "sunk", "raised"),
    "quiet": ("bg", "surface", "sunk"),
    "accent": ("bg", "surface", "accent-soft"),
    "accent-text": ("accent",),
    "bad": ("surface", "bad-soft", "bg"),
    "ok": ("surface", "ok-soft"),
    "warn": ("warn-soft",),
    "off": ("off-soft",),
    "info": ("info-soft",),
}
EDGES = {"edge": ("surface", "raised", "sunk"), "focus": ("bg", "surface", "raised", "accent-soft")}


def test_colours_have_contrast_in_both_schemes() -> None:
    css = (ASSETS / "pages.css").read_text("utf-8")
    light, dark, system = (dict(VARIABLE.findall(block)) for block in re.findall(r"\{[^{}]*--bg:[^{}]*\}", css))
    assert dark == system, "both ways to the dark scheme are one"
    for scheme in (light, dark):
        for least, pairs in ((4.5, TEXTS), (3.0, EDGES)):
            for front, backs in pairs.items():
                for back in backs:
                    assert contrast(scheme[front], scheme[back]) >= least, (front, back)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
