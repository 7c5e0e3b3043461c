"""Whether the proxy works: told from servers that it reaches whenever it does. Pure.

```
               a check passes                    a check passes
   UNTRIED ─────────────────────► WORKS ◄───────────────────────── BROKEN
      │                             │                               ▲  │ checked after longer and longer
      └─────────────────────────────┴───────────────────────────────┘  └─► times
        every check of a round failed, or the proxy could not be connected to
```

The laws:
- what a proxy answers for one endpoint says nothing of the proxy. An endpoint's owner decides what it is: a port that
  nobody listens at, a name that leads nowhere, an address that the proxy refuses, a server that never answers;
- so whoever is refused is a *suspect*. A round of checks that passes decides the cases of those who came before it
  began; one that fails decides them all: the proxy is to blame;
- one round is under way at a time, however many wait for one, and begins APART_S after the one before at the soonest:
  so whoever is refused without end costs the servers that are asked for ten connections a second.
"""

from enum import Enum, auto
from typing import Final, Generic, TypeVar

Suspect = TypeVar("Suspect")

APART_S: Final = 0.1
AGAIN_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""How long after a failed round the next one begins: after the first one, the second, and so on."""


class State(Enum):
    """Of a proxy."""

    UNTRIED = auto()
    WORKS = auto()
    BROKEN = auto()


class Egress(Generic[Suspect]):
    """Of one proxy, as one engine knows it. Whoever owns it makes the checks."""

    def __init__(self) -> None:
        self.state = State.UNTRIED
        self.check_s: float | None = 0.0
        """When the next round of checks is to begin; None: none is wanted, or one is under way."""
        self._under_way = False
        self._next_s = 0.0  # no round begins before
        self._in_vain = 0
        self._waiting: list[Suspect] = []
        self._tried: list[Suspect] = []

    def suspect(self, suspect: Suspect, now_s: float) -> None:
        """He waits for the next round. Not while the proxy is broken: then that is why he was refused."""
        assert self.state is not State.BROKEN
        self._waiting.append(suspect)
        if not self._under_way:
            self.check_s = max(now_s, self._next_s)

    def begin(self, now_s: float) -> None:
        """A round begins."""
        self._under_way, self.check_s, self._next_s = True, None, now_s + APART_S
        self._tried, self._waiting = self._waiting, []

    def passed(self, now_s: float) -> list[Suspect]:
        """A check of the round passed: the proxy works, and these were refused for what they are, or may begin."""
        if self.state is State.UNTRIED:  # nobody was refused yet
            self._tried, self._waiting = self._tried + self._waiting, []
        self.state = State.WORKS
        self._in_vain = 0
        return self._over(max(now_s, self._next_s) if self._waiting else None)

    def failed(self, now_s: float) -> list[Suspect]:
        """Every check of the round failed: the proxy is broken, and nothing is known of these."""
        self.state = State.BROKEN
        again_s = AGAIN_S[min(self._in_vain, len(AGAIN_S) - 1)]
        self._in_vain += 1
        blameless, self._waiting = self._waiting, []
        return self._over(now_s + again_s) + blameless

    def broke(self, now_s: float) -> list[Suspect]:
        """It could not even be connected to: nothing is known of these."""
        self.state = State.BROKEN
        if not self._under_way and self.check_s is None:
            self.check_s = now_s + AGAIN_S[0]
        blameless, self._waiting, self._tried = self._tried + self._waiting, [], []
        return blameless

    def _over(self, check_s: float | None) -> list[Suspect]:
        self._under_way, self.check_s = False, check_s
        tried, self._tried = self._tried, []
        return tried
