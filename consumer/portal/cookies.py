"""The cookies that keep sessions: one for each, so that two of them in one browser cannot be mixed up.

The laws:
- the key of a session is in its cookie, and its name in the paths: a page is opened by both together;
- a browser keeps the ten newest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers

from consumer.control.portal_links import Session, is_local

MOST: Final = 10
KEPT_AFTER_S: Final = 86_400
"""How long a browser keeps one that has ended: so its page can say where its user came from."""

_SESSION: Final = re.compile(r"[0-9a-f]{36}")
_LOOK: Final = "look"
_TRIAL: Final = "trial"
_TRIAL_S: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a browser's user wants the pages. `theme` of None: as the link says."""

    theme: str | None = None
    times: str = "local"


_THEMES: Final = ("auto", "light", "dark")
_TIMES: Final = ("local", "utc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """Of pages at this address. `__Host-` binds a cookie to its host, where browsers allow it."""

    base: str

    @property
    def _prefix(self) -> str:
        return "__Host-hl-" if self._secure else "hl-"

    @property
    def _secure(self) -> bool:
        return self.base.startswith("https://") or is_local(self.base)

    def text_of(self, session_id: str, cookies: Mapping[str, str]) -> str | None:
        """The text of a session, if this browser has it."""
        return cookies.get(self._prefix + session_id)

    def sessions(self, cookies: Mapping[str, str]) -> list[str]:
        """The ids of the sessions that this browser has, the oldest first."""
        names = (name.removeprefix(self._prefix) for name in cookies if name.startswith(self._prefix))
        return sorted(name for name in names if _SESSION.fullmatch(name))[-MOST:]

    def look(self, cookies: Mapping[str, str]) -> Look:
        """What its user chose."""
        theme, _, times = cookies.get(self._prefix + _LOOK, "").partition(".")
        return Look(theme=theme if theme in _THEMES else None, times=times if times in _TIMES else "local")

    def tried(self, cookies: Mapping[str, str]) -> bool:
        """Whether this browser sends back what it was given: it does so here, or did before."""
        return any(name.startswith(self._prefix) for name in cookies)

    def trial(self) -> str:
        """What is set in a frame to see whether it comes back."""
        return self._set(self._prefix + _TRIAL, "1", _TRIAL_S, framed=True)

    def entered(
        self, session: Session, text: str, cookies: Mapping[str, str], *, now_ms: int, framed: bool
    ) -> list[str]:
        """What is set when a session begins: its own cookie, and an end to the oldest others and to the trial's."""
        age_s = max(0, session.expires_at_ms - now_ms) // 1_000 + KEPT_AFTER_S
        mine = sorted(name for name in cookies if _SESSION.fullmatch(name.removeprefix(self._prefix)))
        ended = mine[: max(0, len(mine) - (MOST - 1))] + [each for each in (self._prefix + _TRIAL,) if each in cookies]
        set_: list[str] = [self._set(self._prefix + session.id, text, age_s, framed=framed)]
        return set_ + [self._set(name, "", 0, framed=framed) for name in ended]

    def chosen(self, look: Look, *, framed: bool) -> str:
        """What is set when its user chose a look."""
        return self._set(self._prefix + _LOOK, f"{look.theme or 'auto'}.{look.times}", 31_536_000, framed=framed)

    def _set(self, name: str, value: str, age_s: int, *, framed: bool) -> str:
        parts = [f"{name}={value}", "Path=/", f"Max-Age={age_s}", "HttpOnly"]
        if self._secure:
            parts.append("Secure")
        parts += ["SameSite=None", "Partitioned"] if framed and self._secure else ["SameSite=Lax"]
        return "; ".join(parts)


def look_of(theme: str, times: str) -> Look:
    """A look as a form says it; what is none is passed over."""
    return Look(theme=theme if theme in _THEMES else None, times=times if times in _TIMES else "local")


def cookies_of(headers: Headers) -> dict[str, str]:
    """The cookies of a request. Of two with one name the first counts (RFC 6265 section 5.4: the most specific)."""
    found: dict[str, str] = {}
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals:
                found.setdefault(name, value)
    return found
