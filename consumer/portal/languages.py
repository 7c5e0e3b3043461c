"""Which language a page is in: what its link says, else what the browser asks for, else English. Pure.

Accept-Language is read as RFC 9110, section 12.5.4, has it, and what it asks for is looked up as RFC 4647, section 3.4,
does: `de-AT` is content with `de`.
"""

from collections.abc import Iterator
from typing import Final

from consumer.control.portal_links import LANGUAGES

USUAL: Final = "en"
_ASKED_MOST: Final = 20
_ANY: Final = "*"


def spoken(granted: str | None, accept: str | None) -> str:
    """The language of a page; `granted` is what its link says."""
    if granted in LANGUAGES:
        return granted
    for asked in _asked(accept or ""):
        tag = asked.lower()
        while tag:
            if tag in LANGUAGES:
                return tag
            tag = tag.rpartition("-")[0]
        if asked == _ANY:
            break
    return USUAL


def _asked(accept: str) -> Iterator[str]:
    """What is asked for, the most wanted first."""
    ranges = [_range(each) for each in accept.split(",")[:_ASKED_MOST]]
    wanted = [each for each in ranges if each[1] > 0]
    yield from (tag for tag, _ in sorted(wanted, key=lambda each: -each[1]))


def _range(text: str) -> tuple[str, float]:
    tag, _, weight = text.partition(";")
    name, _, value = weight.replace(" ", "").partition("=")
    if name.lower() != "q":
        return tag.strip(), 1.0
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    return tag.strip(), number if 0 <= number <= 1 else 0.0
