"""What a brand says about its pages, and the logos that may stand on them."""

from pathlib import Path

import pytest

from consumer.brands.loader import BrandInvalid, load_brands
from tests.unit.brands.test_brand_files import LOOK, write

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 96 24">{}</svg>'
DRAWN = (
    "<style>.a{fill:url(#g)}</style><defs><linearGradient id='g'><stop offset='0' stop-color='#fff'/></linearGradient>"
    "</defs><g class='a'><path d='M0 0h9v9z'/><use xlink:href='#g'/></g><text>Acme &#233;</text>"
)


def with_look(folder: Path, look: str, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.svg").write_text(text)
    return write(folder, look=f"{LOOK}\n[look]\n{look}\n")


def test_a_brand_says_nothing_of_its_pages(tmp_path: Path) -> None:
    look = load_brands(write(tmp_path))["acme"].look
    assert (look.title, look.accent, look.accent_dark, look.radius_px) == ("Acme", "#2a57d0", None, 8)
    assert (look.support_url, look.logo, look.logo_dark) == (None, None, None)


def test_a_brand_says_all_of_them(tmp_path: Path) -> None:
    said = (
        'title = "Acme Hooks"\naccent = "#AA0011"\naccent_dark = "#ff8899"\nlogo = "a.svg"\nlogo_dark = "b.svg"\n'
        'radius = 0\nsupport_url = "https://acme.example/help"'
    )
    look = load_brands(with_look(tmp_path, said, a=SVG.format(DRAWN), b=SVG.format("")))["acme"].look
    assert (look.title, look.accent, look.accent_dark, look.radius_px) == ("Acme Hooks", "#aa0011", "#ff8899", 0)
    assert look.support_url == "https://acme.example/help"
    assert look.logo is not None
    assert (look.logo.svg, look.logo.ratio) == (SVG.format(DRAWN).encode(), 4.0)
    assert look.logo_dark is not None


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ('accent = "red"', "look.accent: must be a colour of six digits, as in #2a57d0"),
        ('accent = "#fff;}*{color:red"', "look.accent: must be a colour"),
        ('accent_dark = "#12345g"', "look.accent_dark: must be a colour"),
        ("radius = 17", "look.radius: must be less than or equal to 16"),
        ('title = ""', "look.title: must not be empty"),
        ('font = "Comic Sans"', "look.font: is no field that a brand has"),
        ('support_url = "javascript:alert(1)"', "look.support_url: must be an https or mailto address"),
        ('support_url = "http://acme.example"', "look.support_url: must be"),
        ('support_url = "https://a@b.example"', "look.support_url: must be"),
        ('logo = "../a.svg"', "look.logo: must be an SVG file's name in this folder"),
        ('logo = "a.png"', "look.logo: must be an SVG file's name"),
        ('logo = "none.svg"', "look.logo: none.svg cannot be read: No such file"),
        ('logo_dark = "a.svg"', "look.logo_dark: stands in for a logo: give look.logo too"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, said: str, says: str) -> None:
    with pytest.raises(BrandInvalid) as refused:
        load_brands(with_look(tmp_path, said, a=SVG.format("")))
    assert str(refused.value).startswith("acme.toml: " + says)


@pytest.mark.parametrize(
    ("drawn", "says"),
    [
        ("<script>alert(1)</script>", "has <script>"),
        ("<path onload='alert(1)'/>", "has the attribute onload, which runs a script"),
        ("<path OnClick='alert(1)'/>", "has the attribute OnClick"),
        ("<image href='https://evil.example/a.png'/>", "has <image>"),
        ("<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'/></foreignObject>", "has <foreignObject>"),
        ("<p xmlns='http://www.w3.org/1999/xhtml'/>", "has <p>"),
        ("<animate attributeName='href' to='javascript:alert(1)'/>", "has <animate>"),
        ("<a href='https://evil.example'/>", "has <a>"),
        ("<use href='https://evil.example/a.svg#x'/>", "refers to something outside: href must begin with #"),
        ("<use xlink:href='//evil.example/a.svg#x'/>", "refers to something outside: href must begin with #"),
        ("<use xlink:href='data:image/svg+xml;base64,AA'/>", "refers to something outside"),
        ("<path fill='url(https://evil.example/a)'/>", "refers to something outside: fill"),
        ("<path style='fill:URL( evil.svg#a )'/>", "refers to something outside: style"),
        ("<path style='background:image-set(\"a.png\" 1x)'/>", "refers to something outside: style"),
        ("<style>@import 'a.css';</style>", "refers to something outside: <style>"),
        ("<style>.a{fill:u\\72l(a)}</style>", "refers to something outside: <style>"),
        ("<style>.a{}<![CDATA[.b{fill:url(a.svg#b)}]]></style>", "refers to something outside: <style>"),
        ("<style>&#64;import 'a'</style>", "refers to something outside: <style>"),
        ("<?xml-stylesheet href='a.css'?>", "has a processing instruction"),
        ("<g xml:base='https://evil.example/'/>", "has xml:base"),
        ("<g>", "is not XML: mismatched tag"),
        ("&amp; &evil;", "is not XML: undefined entity"),
    ],
)
def test_a_logo_that_could_do_something_is_refused(tmp_path: Path, drawn: str, says: str) -> None:
    with pytest.raises(BrandInvalid) as refused:
        load_brands(with_look(tmp_path, 'logo = "a.svg"', a=SVG.format(drawn)))
    assert str(refused.value).startswith("a.svg: " + says)


@pytest.mark.parametrize(
    ("svg", "says"),
    [
        ('<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format(""), "has a DOCTYPE"),
        ("<g xmlns='http://www.w3.org/2000/svg'/>", "begins with <g>"),
        ("<svg viewBox='0 0 1 1'/>", "has <svg>"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", "needs a size"),
        ("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 0'/>", "needs a size"),
        ("<svg xmlns='http://www.w3.org/2000/svg' width='100' height='1'/>", "must be at most ten times as wide"),
        (SVG.format(" " * 40_000), "must be at most 32,768 bytes"),
        ("", "is not XML: no element found"),
    ],
)
def test_a_file_that_is_no_logo_is_refused(tmp_path: Path, svg: str, says: str) -> None:
    with pytest.raises(BrandInvalid) as refused:
        load_brands(with_look(tmp_path, 'logo = "a.svg"', a=svg))
    assert str(refused.value).startswith("a.svg: " + says)


def test_a_size_is_enough(tmp_path: Path) -> None:
    svg = "<svg xmlns='http://www.w3.org/2000/svg' width='30px' height='20'/>"
    logo = load_brands(with_look(tmp_path, 'logo = "a.svg"', a=svg))["acme"].look.logo
    assert logo is not None
    assert logo.ratio == 1.5


def test_words_of_a_brand(tmp_path: Path) -> None:
    words = '\n[words]\nnew_webhook = "Add webhook"\nlog = "Webhooks log"\n'
    assert load_brands(write(tmp_path, look=LOOK + words))["acme"].words == {
        "new_webhook": "Add webhook",
        "log": "Webhooks log",
    }


def test_a_word_that_pages_do_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrandInvalid, match=r"acme\.toml: words\.new_hook: is no field that a brand has"):
        load_brands(write(tmp_path, look=LOOK + '\n[words]\nnew_hook = "Add"\n'))
