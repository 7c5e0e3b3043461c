"""The operator's sessions: signed, stored nowhere.

The laws:
- who signs in shows the operator's key, compared in constant time; wrong ones are counted, and when there were too many
  in a minute none is looked at for a while;
- a session ends after 8 hours, and with the key that opened it. No session of the pages for customers is one, nor the
  other way round.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from pydantic import SecretStr

from consumer.control.keys import digest_of
from consumer.control.portal_links import is_local
from consumer.control.signed_texts import SignedTexts
from consumer.webhooks.keyring import Keyring

FOR_S: Final = 8 * 3_600
WRONG_MOST: Final = 10
"""Wrong keys that a process looks at in a minute."""

_SESSION: Final = b"hookline console session 1"
_FORM: Final = b"hookline console form 1"
_ID_BYTES: Final = 12
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One operator's, in one browser."""

    id: str
    ends_at_ms: int


class Sessions:
    """Writes and reads them. `base` is where browsers reach the console."""

    def __init__(self, keyring: Keyring, operator_key: SecretStr, *, base: str) -> None:
        self._sessions = SignedTexts(keyring, _SESSION)
        self._forms = SignedTexts(keyring, _FORM)
        self._key = digest_of(operator_key.get_secret_value()).hex()
        self._secure = base.startswith("https://") or is_local(base)

    def open(self, *, now_ms: int, entropy: Callable[[int], bytes]) -> tuple[Session, str]:
        """A new one, and the cookie that keeps it."""
        session = Session(id=entropy(_ID_BYTES).hex(), ends_at_ms=now_ms + FOR_S * 1_000)
        text = self._sessions.write(msgspec.json.encode(session), self._key)
        return session, self._cookie(text, FOR_S)

    def closed(self) -> str:
        """The cookie that takes it away."""
        return self._cookie("", 0)

    def of(self, cookies: Mapping[str, str], now_ms: int) -> Session | None:
        """The session of a browser with these cookies, if it holds."""
        text = self._sessions.read(cookies.get(self._name, ""), self._key)
        if text is None:
            return None
        try:
            session = msgspec.json.decode(text, type=Session)
        except msgspec.DecodeError:  # of an earlier Hookline
            return None
        return session if now_ms < session.ends_at_ms else None

    def token(self, session: Session) -> str:
        """What shows that a form was on a page of this session."""
        return self._forms.write(b"", session.id)

    def is_token(self, text: str, session: Session) -> bool:
        """Whether it is that."""
        return self._forms.read(text, session.id) == b""

    @property
    def _name(self) -> str:
        return "__Host-hookline-console" if self._secure else "hookline-console"

    def _cookie(self, text: str, age_s: int) -> str:
        # `__Host-` wants the path to be /.
        parts = [f"{self._name}={text}", "Path=/", f"Max-Age={age_s}", "HttpOnly", "SameSite=Strict"]
        return "; ".join([*parts, "Secure"] if self._secure else parts)


class Guesses:
    """The wrong keys of the last minute. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._at_s: deque[float] = deque(maxlen=WRONG_MOST)

    def wait_s(self, now_s: float) -> int:
        """For how long no key is looked at; 0: one may be."""
        if len(self._at_s) < WRONG_MOST:
            return 0
        return max(0, math.ceil(self._at_s[0] + _MINUTE_S - now_s))

    def wrong(self, now_s: float) -> None:
        """One more."""
        self._at_s.append(now_s)
