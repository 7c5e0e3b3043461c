"""What the pages say, from `words/LANGUAGE.toml`.

The laws:
- a page says nothing that is not in that file, and asks for nothing that is not there;
- whatever is put into a sentence is text: it is escaped, and shows what it is;
- whoever makes a page says what `words()` are while it is made (`speaking`): its brand's, in its language.

    [log]
    none = "Nothing was sent yet"
    shown.one = "{n} row"           a plural has a table, by the rules of its language
    shown.other = "{n} rows"
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final

from markupsafe import Markup, escape

from consumer.portal.languages import USUAL
from consumer.portal.shown import shown

_FOLDER: Final = Path(__file__).parent / "words"


class Words:
    """Of one `language`. Raises KeyError: there is no such text."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        """`texts` are by their keys, as in `log.none`."""
        self.language = language
        self.texts = texts

    def say(self, key: str, **values: object) -> Markup:
        """The text of this key; `n` chooses its plural. What is no Markup is escaped."""
        n = values.get("n")
        if isinstance(n, int):
            key = f"{key}.{'one' if n == 1 else 'other'}" if key not in self.texts else key
        made = {name: value if isinstance(value, Markup) else self._written(value) for name, value in values.items()}
        return Markup(escape(self.texts[key])).format(**made)  # noqa: S704 # the text is ours, and escaped

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    def _written(self, value: object) -> str:
        if isinstance(value, int):
            return f"{value:,}".replace(",", self.texts["numbers.thousands"])
        return shown(str(value))


_spoken: ContextVar[Words] = ContextVar("spoken")


def words() -> Words:
    """Those that are spoken now; where nobody said which, the usual ones."""
    return _spoken.get(None) or language(USUAL)


@contextmanager
def speaking(said: Words) -> Iterator[None]:
    """Whatever is made meanwhile, by this thread, is said so."""
    before = _spoken.set(said)
    try:
        yield
    finally:
        _spoken.reset(before)


@cache
def language(name: str) -> Words:
    """Those of a language that there is."""
    with (_FOLDER / f"{name}.toml").open("rb") as file:
        return Words(name, dict(_flat(tomllib.load(file))))


def _flat(table: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, str(value)))
    return found
