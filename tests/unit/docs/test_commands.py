"""Every `hookline …` in a block that nobody runs is a command that there is, with flags that it has.

The blocks that are run as they stand are another test's (`tests/acceptance/test_readme.py`).
"""

import re
import shlex
from collections.abc import Iterator

import pytest

from consumer.cli.app import app
from tests import markdown

_COMMAND = re.compile(r"^\s*(?:\$ )?(hookline [^|#>\n]*)", re.MULTILINE)


def _commands() -> Iterator[tuple[str, str]]:
    for page in markdown.pages():
        for block in markdown.blocks(page):
            if not block.info:
                yield from ((page.name, found[1].strip()) for found in _COMMAND.finditer(block.text))


@pytest.mark.parametrize(("page", "command"), sorted(set(_commands())))
def test_a_command_of_a_page_can_be_read(page: str, command: str) -> None:
    del page
    found, bound, _ = app.parse_args(shlex.split(command)[1:], print_error=False, exit_on_error=False)
    assert callable(found)
    assert bound is not None
