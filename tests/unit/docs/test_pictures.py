"""The pictures of the pages are there, are small, and are those that `make screenshots` takes."""

import re

from tests.browser.screenshots import FOLDER, MOST_BYTES, PICTURES

README = FOLDER.parents[1] / "README.md"
WEBP = (b"RIFF", b"WEBP")


def test_each_picture_is_there_and_no_other() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.webp" for name in PICTURES}


def test_pictures_are_small() -> None:
    for path in FOLDER.glob("*.webp"):
        body = path.read_bytes()
        assert (body[:4], body[8:12]) == WEBP, path.name
        assert len(body) <= MOST_BYTES, path.name


def test_the_readme_shows_two_and_the_pages_about_what_they_show_the_others() -> None:
    shown = re.findall(r"!\[[^]]+\]\(docs/pages/([a-z-]+)\.webp\)", README.read_text("utf-8"))
    assert len(shown) == 2
    pages = "".join((FOLDER.parent / name).read_text("utf-8") for name in ("portal.md", "operating.md"))
    told = re.findall(r"\(pages/([a-z-]+)\.webp\)", pages)
    assert {*shown, *told} == PICTURES.keys()
