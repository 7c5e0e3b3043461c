"""Which pages there are, what each shows, what each does, and what a session needs for that.

The law: a page that is not in the table does not exist, and nothing of it is asked before the scopes are known.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from starlette.responses import Response

from consumer.control.keys import Scope
from consumer.control.work import Work
from consumer.portal.answering import Done
from consumer.portal.visit import Visit

Show: TypeAlias = Callable[[Visit], Response]
Do: TypeAlias = Callable[[Visit, Work], Done | Response]
"""Makes a change. What is no `Done` changed nothing: the form is shown again."""

DRAFT: Final = "draft"
"""The field of a form by which it is only looked at: its button changes nothing."""

_NAME: Final = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True)
class Route:
    """`path` is below the session. `draft` shows a form as it was filled in.

    `deed` is what the audit log calls what it does, which is the API's name of it.
    """

    path: str
    show: Show | None = None
    do: Do | None = None
    draft: Show | None = None
    needs: Scope = Scope.READ
    do_needs: Scope = Scope.WRITE
    deed: str = ""

    def __post_init__(self) -> None:
        """What does something has a name for it."""
        assert (self.do is None) == (not self.deed), self.path

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Its path, as what names it."""
        parts = _NAME.split(self.path)
        return re.compile(
            "".join(f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
        )


def found(routes: Sequence[Route], path: str) -> tuple[Route, dict[str, str]] | None:
    """The first route that takes this path, and what the path names."""
    for route in routes:
        if matched := route.pattern.fullmatch(path):
            return route, matched.groupdict()
    return None
