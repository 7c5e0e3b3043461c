"""From views to HTML.

The laws:
- everything that a template shows is escaped, and shows what it is (`shown.py`); a template that asks for what is not
  there fails;
- templates hold no words (`words.py`) and decide nothing: views are made before.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from consumer.portal.assets import assets
from consumer.portal.dress import Dress
from consumer.portal.shown import shown
from consumer.portal.words import words

_FOLDER: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A page of the main navigation."""

    key: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """Where a session's user came from."""

    url: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is around every page of a session. `ends_in_s` is how long it goes on, `embed` are who may frame it.

    `whose` tells one user of a tenant's from others, and tells nobody who that is.
    """

    brand: str
    dress: Dress
    support_url: str | None
    home: str
    tabs: tuple[Tab, ...]
    theme: str
    times: str
    look_url: str
    here: str
    token: str
    once: str
    user: str
    back: Back | None
    share_url: str
    session: str
    whose: str
    now_ms: int
    ends_in_s: int
    embed: str
    notice: str | None
    read_only: bool


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(t=_say, has=_has, language=_language, asset=assets().url)
    return environment


def _say(key: str, **values: object) -> Markup:
    """The words of whoever the page is made for."""
    return words().say(key, **values)


def _language() -> str:
    """What the page is in."""
    return words().language


def _has(key: str) -> bool:
    """Whether those have a word for it: what they have none for is not shown."""
    return key in words()


def render(template: str, **context: object) -> str:
    """The HTML. Raises jinja2.UndefinedError, KeyError: the template asks for what is not there."""
    return _environment().get_template(template).render(**context)


def templates() -> list[str]:
    """All there are."""
    return _environment().list_templates()


def compile_all() -> None:
    """Read every template now, so that nobody's first page waits for it."""
    for name in templates():
        _environment().get_template(name)


def _finalized(value: object) -> object:
    """What an expression of a template comes to: text of ours is Markup already, everything else shows what it is."""
    return value if isinstance(value, Markup) else shown(str(value)) if value is not None else ""
