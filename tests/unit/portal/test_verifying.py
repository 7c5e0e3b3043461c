"""How a signature is checked stands beside the secret, and stays to be found: in every language, for every profile."""

import pytest

from consumer.brands.loader import load_brands
from consumer.portal.verifying import programs
from consumer.webhooks.subscription import SigningProfile
from tests.html import Page, read
from tests.memory_portal import Browser, MemoryPortal, webhook

URL = "https://hooks.example.com/in"


def shown(page: Page) -> dict[str, str]:
    """The programs, by their languages."""
    section = page.one("region", "How to check the signature")
    return {each.all("summary")[0].text.split()[0]: each.all("pre")[0].raw for each in section.all("details")}


def test_it_stands_beside_a_new_secret(browser: Browser) -> None:
    answer = browser.submit(browser.page("webhooks/new"), "webhooks/new", {"url": URL})
    page = read(answer.text)
    assert [*shown(page)] == ["Python", "Node", "Go", "Ruby", "PHP", "Java"]
    secret = page.one("textbox", "Secret").attributes["value"]
    assert secret not in "".join(shown(page).values())
    assert page.find("button", "Copy verify.py")


@pytest.mark.parametrize("profile", list(SigningProfile))
def test_every_profile_has_its_programs(portal: MemoryPortal, browser: Browser, profile: SigningProfile) -> None:
    id_ = webhook(portal, signing=profile)
    page = browser.page(f"webhooks/{id_}/verify")
    assert page.h1 == "Check signatures"
    texts = {each.language: each.text for each in programs()[profile]}
    assert {language: text.strip() for language, text in shown(page).items()} == {
        language: text.strip() for language, text in texts.items()
    }
    assert {"Python", "Node"} <= texts.keys()
    about = page.one("region", "How to check the signature").text
    standard = profile in {SigningProfile.STANDARD, SigningProfile.ED25519}
    header = {SigningProfile.SHA256: "X-Signature-256", SigningProfile.STRIPE: "Hookline-Signature"}
    assert ("webhook-signature" if standard else header.get(profile, "X-Hookline-Signature")) in about
    assert ("Public key" in about) is (profile is SigningProfile.ED25519)
    timed = profile in {SigningProfile.STANDARD, SigningProfile.ED25519, SigningProfile.STRIPE}
    assert ("five minutes" in page.visible) is timed
    region = browser.page(f"webhooks/{id_}").one("region", "Signing secret")
    assert region.all("a")[0].attributes["href"] == f"{browser.base}/webhooks/{id_}/verify"


@pytest.mark.parametrize("brand", sorted(load_brands()))
def test_every_brand_names_its_own_header(brand: str) -> None:
    portal = MemoryPortal(brands=[brand])
    browser = portal.enter(brand=brand)
    known = portal.api.brands[brand]
    id_ = portal.api.webhook(portal.api.client(brand=brand), known.api.base_path)["id"]
    page = browser.page(f"webhooks/{id_}/verify")
    expected = "webhook-signature" if known.signing is SigningProfile.STANDARD else known.signature_header
    assert expected in page.one("region", "How to check the signature").text
    assert ("hookline" in page.visible.lower()) is (brand == "hookline")
